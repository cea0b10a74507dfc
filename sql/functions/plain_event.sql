-- A message as its receiver reads it: what SCXML keeps in an event is unfolded for a machine that
-- is not from SCXML.
create or replace function pawl.plain_event(p_machine text, p_event jsonb)
returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when not p_event ? '_event' or pawl.is_scxml(p_machine) then p_event
    when jsonb_typeof(p_event #> '{_event,data}') = 'object'
      then p_event #> '{_event,data}' || jsonb_build_object('type', p_event -> 'type')
    else p_event - '_event'
  end
$$;

comment on function pawl.plain_event is 'A message as its receiver reads it';
