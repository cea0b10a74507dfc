-- Refuse events to an instance until it is resumed; its timers and results wait.
-- Locks: the instance.
-- Raises PT403, PT404, PT409.
create or replace function :"api_schema".pause_instance(machine text, id text)
returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_instance record := pawl.lock_instance('pause_instance', machine, id);
begin
  if v_instance.status <> 'running' then
    perform pawl.raise_not_running(machine, id, v_instance.status);
  end if;
  return pawl.change_instance(machine, id, '{"type": "pawl.pause"}', 'paused', null, false);
end
$$;

comment on function :"api_schema".pause_instance is 'Refuse events to an instance until it is resumed; its timers and results wait';
