-- Refuse an event_id that came with another event before.
-- Raises PT409.
create or replace function pawl.raise_event_id_reused(p_machine text, p_id text, p_event_id text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT409',
    'event_id_reused',
    format('event_id "%s" was used for another event of %s "%s"', p_event_id, p_machine, p_id),
    jsonb_build_object('machine', p_machine, 'id', p_id, 'event_id', p_event_id),
    'Give each event its own event_id; repeat it only with the same event.'
  );
end
$$;

comment on function pawl.raise_event_id_reused is 'Refuse an event_id that came with another event before';
