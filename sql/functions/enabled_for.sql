-- The events that this caller could send now; p_readable: the read rule admits the caller.
-- A client who can neither read nor send is told that the instance is absent. Raises PT404.
create or replace function pawl.enabled_for(p_machine text, p_id text, p_readable boolean)
returns text[]
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_events text[];
begin
  perform pawl.claims();
  if pawl.route_iid(p_machine, p_id) is null then
    perform pawl.raise_not_found(p_machine, p_id);
  end if;
  v_events := pawl.route_enabled(p_machine, p_id);
  if v_events = '{}' and not p_readable then
    perform pawl.raise_not_found(p_machine, p_id);
  end if;
  return v_events;
end
$$;

comment on function pawl.enabled_for is
  'The events that this caller could send now; p_readable: the read rule admits the caller';
