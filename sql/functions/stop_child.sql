-- End an instance because its parent has left the state that invoked it; nothing if it has ended.
-- Locks: the instance must be locked by the caller.
create or replace function pawl.stop_child(p_machine text, p_id text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_status text := pawl.route_reply(p_machine, p_id) ->> 'status';
begin
  if v_status in ('running', 'paused') then
    perform pawl.change_instance(p_machine, p_id, '{"type": "pawl.stop"}', 'stopped', null, true);
  end if;
end
$$;

comment on function pawl.stop_child is
  'End an instance because its parent has left the state that invoked it; nothing if it has ended';
