-- Put an instance into a state by hand, without exit or entry actions.
-- Its timers and invokes end, those of the new state begin. A paused one stays paused, unless
-- the state is a final one.
-- Locks: the instance. Raises PT400, PT403, PT404, PT409 (done, failed, stopped), PT422.
create or replace function :"api_schema".force_state(
  machine text,
  id text,
  state text[],
  reason text
)
returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_instance record := pawl.lock_instance('force_state', machine, id);
  v_status text;
begin
  if reason is null or reason = '' then
    perform pawl.raise_null_argument('reason');
  elsif v_instance.status not in ('running', 'paused') then
    perform pawl.raise_not_running(machine, id, v_instance.status);
  end if;
  v_status := pawl.check_state(machine, v_instance.version, state);
  return pawl.change_instance(
    machine, id,
    jsonb_build_object(
      'type', 'pawl.force_state', 'from', v_instance.state, 'to', state, 'reason', reason),
    case when v_status = 'done' then v_status end, state, true
  );
end
$$;

comment on function :"api_schema".force_state is
  'Put an instance into a state by hand, without exit or entry actions; the reason is journalled';
