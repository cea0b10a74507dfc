-- Refuse an event that the machine does not declare.
-- Raises PT400.
create or replace function pawl.raise_unknown_event(p_machine text, p_event text, p_events text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_event is null then
    perform pawl.raise_malformed_event(p_machine, 'it has no "type"');
  end if;
  perform pawl.raise_error(
    'PT400',
    'unknown_event',
    format('machine "%s" has no event "%s"', p_machine, p_event),
    jsonb_build_object('machine', p_machine, 'event', p_event, 'events', p_events),
    pawl.did_you_mean(p_event, p_events)
  );
end
$$;

comment on function pawl.raise_unknown_event is 'Refuse an event that the machine does not declare';
