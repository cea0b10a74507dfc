-- The events that this caller could send now.
-- Who can neither read nor send is told that the instance is absent. Raises PT401, PT403, PT404.
create or replace function :"api_schema".enabled_events(machine text, id text)
returns text[]
language sql stable
begin atomic
  select pawl.enabled_for(
    enabled_events.machine,
    enabled_events.id,
    pawl.read_iid(enabled_events.machine, enabled_events.id) is not null
  );
end;

comment on function :"api_schema".enabled_events is 'The events that this caller could send now';
