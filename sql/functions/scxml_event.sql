-- What _event shows of an event: its name, where it came from, its data (W3C SCXML 5.10.1).
-- Null while there was none.
create or replace function pawl.scxml_event(p_event jsonb)
returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_event ->> 'type' = 'pawl.init' then null
    else '{"sendid": null, "origin": null, "origintype": null, "invokeid": null}'::jsonb
      || case
        when p_event ? '_event' then p_event -> '_event'
        when p_event ->> 'type' ~ '^(done|error)[.]' then
          jsonb_build_object('type', 'platform', 'data', p_event -> 'output')
        else jsonb_build_object('type', 'external', 'data', nullif(p_event - 'type', '{}'))
      end
      || jsonb_build_object('name', p_event -> 'type')
  end
$$;

comment on function pawl.scxml_event is
  'What _event shows of an event: its name, where it came from, its data';
