-- The events that this caller could send now.
-- A client who could send none is told that the instance is absent. Raises PT401, PT403, PT404.
create or replace function :"api_schema".enabled_events(machine text, id text)
returns text[]
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_claims jsonb := pawl.claims();
  v_events text[];
begin
  if pawl.route_iid(machine, id) is null then
    perform pawl.raise_not_found(machine, id);
  end if;
  v_events := pawl.route_enabled(machine, id);
  if v_claims is not null and v_events = '{}' then
    perform pawl.raise_not_found(machine, id);
  end if;
  return v_events;
end
$$;

comment on function :"api_schema".enabled_events is 'The events that this caller could send now';
