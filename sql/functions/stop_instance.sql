-- End an instance where it is, with its timers and invokes; no exit action runs.
-- Locks: the instance.
-- Raises PT403, PT404, PT409.
create or replace function :"api_schema".stop_instance(machine text, id text)
returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_instance record := pawl.lock_instance('stop_instance', machine, id);
begin
  if v_instance.status not in ('running', 'paused') then
    perform pawl.raise_not_running(machine, id, v_instance.status);
  end if;
  return pawl.change_instance(machine, id, '{"type": "pawl.stop"}', 'stopped', null, true);
end
$$;

comment on function :"api_schema".stop_instance is 'End an instance where it is, with its timers and invokes; no exit action runs';
