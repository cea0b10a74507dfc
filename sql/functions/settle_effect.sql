-- End an effect: store its result, drop its lease, send its event, bury it if it failed.
-- p_outcome is done (p_value the output), error or cancelled (p_value the error), or void. Returns
-- applied (also when nobody waits), void (its state was left) or failed: pawl.apply_results() sends
-- it again, and sends it first if the instance is not free and p_wait is false.
-- Locks: the instance. Of two sessions that find an effect hopeless, the first to store ends it.
create or replace function pawl.settle_effect(
  p_effect_id bigint,
  p_outcome text,
  p_value jsonb,
  p_wait boolean default true
)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_effect pawl.outbox;
  v_event jsonb;
  v_attempt pawl.attempt;
begin
  select * into v_effect from pawl.outbox where effect_id = p_effect_id;
  delete from pawl.lease where effect_id = p_effect_id;
  v_event := pawl.result_event(v_effect.invoke_id, p_outcome, p_value);
  if v_event is not null
    and not p_wait and not pawl.route_try_lock(v_effect.machine, v_effect.iid)
  then
    v_attempt.outcome := 'failed';
    v_attempt.retry_in := interval '0';
  elsif v_event is not null then
    v_attempt := pawl.try_event(
      v_effect.machine, v_effect.iid, v_effect.invoke_id, v_effect.seq, v_event);
  else
    v_attempt.outcome := case when p_outcome = 'void' then 'void' else 'applied' end;
  end if;

  insert into pawl.effect_result
    (effect_id, at, outcome, output, error, applied_at, apply_due, apply_attempts, last_error)
  values (
    p_effect_id,
    pawl.now(),
    p_outcome,
    case when p_outcome = 'done' then p_value end,
    case when p_outcome in ('error', 'cancelled') then p_value end,
    case when v_attempt.outcome = 'applied' then pawl.now() end,
    pawl.now() + v_attempt.retry_in,
    coalesce(v_attempt.counts, 0),
    v_attempt.message
  )
  on conflict (effect_id) do nothing;
  if p_outcome = 'error' and found then
    insert into pawl.dead_letter
      (kind, machine, iid, seq, id, effect_id, name, attempts, event, error)
    values ('effect', v_effect.machine, v_effect.iid, v_effect.seq, v_effect.id, p_effect_id,
      v_effect.effect, coalesce((p_value ->> 'attempts')::int, 1), v_effect.input, p_value);
  end if;
  return v_attempt.outcome;
end
$$;

comment on function pawl.settle_effect is
  'End an effect: store its result, drop its lease, send its event, bury it if it failed';
