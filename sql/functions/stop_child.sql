-- End an instance because its parent has left the state that invoked it; nothing if it has ended.
-- A running session of SCXML leaves its states first, as the standard wants it (W3C SCXML 6.4.3).
-- Locks: the instance must be locked by the caller.
create or replace function pawl.stop_child(
  p_machine text,
  p_id text,
  p_parent_machine text,
  p_parent_id text
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_status text := pawl.route_reply(p_machine, p_id) ->> 'status';
begin
  if v_status = 'running' and pawl.is_scxml(p_machine) then
    perform pawl.route_message(
      p_machine, p_id, '{"type": "pawl.stop"}', array[p_parent_machine, p_parent_id, 'stop']);
  elsif v_status in ('running', 'paused') then
    perform pawl.change_instance(p_machine, p_id, '{"type": "pawl.stop"}', 'stopped', null, true);
  end if;
end
$$;

comment on function pawl.stop_child is
  'End an instance because its parent has left the state that invoked it; nothing if it has ended';
