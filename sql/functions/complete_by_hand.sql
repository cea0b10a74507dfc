-- End an effect with an output that an operator gives; what a worker reports later is refused.
-- Returns what became of the done event, as complete_effect.
-- Locks: its outbox row, its lease, the instance, then what free_slots locks.
-- Raises PT403, PT404, PT409, PT413.
create or replace function pawl.complete_by_hand(p_effect_id bigint, p_output jsonb default null)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_effect pawl.outbox := pawl.take_over_effect('complete_by_hand', p_effect_id);
  v_slot text := (select l.slot from pawl.lease as l where l.effect_id = p_effect_id);
  v_outcome text;
begin
  perform pawl.check_size('the output', p_output);
  perform pawl.journal_queue_act(v_effect.machine, v_effect.iid,
    jsonb_build_object('type', 'pawl.complete_by_hand', 'effect_id', p_effect_id));
  v_outcome := pawl.settle_effect(p_effect_id, 'done', p_output);
  perform pawl.free_slots(array[v_slot]);
  return v_outcome;
end
$$;

comment on function pawl.complete_by_hand is
  'End an effect with an output that an operator gives; what a worker reports later is refused';
