-- Refuse what is not an event.
-- Raises PT400.
create or replace function pawl.raise_malformed_event(p_machine text, p_reason text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT400',
    'malformed_event',
    format('the event is malformed: %s', p_reason),
    jsonb_build_object('machine', p_machine, 'reason', p_reason),
    'An event is a JSON object such as {"type": "accept", "prep_minutes": 20}.'
  );
end
$$;

comment on function pawl.raise_malformed_event is 'Refuse what is not an event';
