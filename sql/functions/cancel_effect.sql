-- End an effect by hand without performing it: whoever waits gets the error "cancelled", a worker
-- that performs it is told when it asks for its unwanted_effects. Returns what became of the error, as complete_effect.
-- Locks: its outbox row, its lease, the instance, then what free_slots locks. Raises PT403, PT404, PT409.
create or replace function pawl.cancel_effect(p_effect_id bigint, p_reason text default null)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_effect pawl.outbox := pawl.take_over_effect('cancel_effect', p_effect_id);
  v_lease pawl.lease;
  v_outcome text;
begin
  select * into v_lease from pawl.lease where effect_id = p_effect_id;
  perform pawl.journal_queue_act(v_effect.machine, v_effect.iid, jsonb_strip_nulls(
    jsonb_build_object('type', 'pawl.cancel_effect', 'effect_id', p_effect_id, 'reason', p_reason)));
  v_outcome := pawl.settle_effect(p_effect_id, 'cancelled', jsonb_build_object(
    'code', 'cancelled',
    'message', coalesce(p_reason, 'an operator cancelled it'),
    'attempts', coalesce(v_lease.attempt, 0)));
  perform pawl.free_slots(array[v_lease.slot]);
  return v_outcome;
end
$$;

comment on function pawl.cancel_effect is
  'End an effect by hand without performing it: whoever waits gets the error "cancelled"';
