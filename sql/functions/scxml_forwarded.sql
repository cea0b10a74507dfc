-- An event that a session of SCXML passes on to a child, with all that _event shows of it.
create or replace function pawl.scxml_forwarded(p_event jsonb)
returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'type', p_event -> 'type',
    '_event', pawl.scxml_event(p_event) - 'name'
  )
$$;

comment on function pawl.scxml_forwarded is
  'An event that a session of SCXML passes on to a child, with all that _event shows of it';
