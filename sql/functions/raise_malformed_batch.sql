-- Refuse what is not a batch of events.
-- Raises PT400.
create or replace function pawl.raise_malformed_batch(p_index int, p_reason text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT400',
    'malformed_batch',
    case
      when p_index is null then format('the batch is malformed: %s', p_reason)
      else format('item %s of the batch is malformed: %s', p_index, p_reason)
    end,
    jsonb_build_object('index', p_index, 'reason', p_reason),
    'Give an array of {"machine": …, "id": …, "event": {"type": …}}; indexes count from 0.'
  );
end
$$;

comment on function pawl.raise_malformed_batch is 'Refuse what is not a batch of events';
