-- Refuse an event whose transitions all have a guard that is false.
-- Raises PT409.
create or replace function pawl.raise_guard_refused(
  p_machine text,
  p_id text,
  p_event text,
  p_state text[]
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT409',
    'guard_refused',
    format('%s "%s" takes "%s" in state "%s", but its guard is false', p_machine, p_id, p_event,
      array_to_string(p_state, ', ')),
    jsonb_build_object('machine', p_machine, 'id', p_id, 'event', p_event, 'state', p_state),
    'The instance''s data do not allow it; simulate_event shows the outcome for another payload.'
  );
end
$$;

comment on function pawl.raise_guard_refused is 'Refuse an event whose transitions all have a guard that is false';
