-- Consume one timer and take its transition; record the failure if that fails.
-- Returns false if somebody else consumed it first.
-- Locks: the instance must be locked by the caller.
create or replace function pawl.fire_timer(p_timer pawl.timer)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_timer pawl.timer;
  v_event jsonb;
  v_attempt pawl.attempt;
begin
  -- Read again: a migration may have renamed it since it was found.
  select t.* into v_timer from pawl.timer as t where t.timer_id = p_timer.timer_id
  for update skip locked;
  if not found then
    return false;
  end if;
  v_event := coalesce(v_timer.event, jsonb_build_object('type', v_timer.name));
  if v_event ->> 'type' = 'pawl.send' then
    if pawl.send_late(v_timer) then
      delete from pawl.timer where timer_id = v_timer.timer_id;
    else
      update pawl.timer set due_at = pawl.now() + interval '5 seconds'
      where timer_id = v_timer.timer_id;
    end if;
    return true;
  end if;
  v_attempt := pawl.try_event(
    v_timer.machine, v_timer.iid, v_timer.name, v_timer.seq, v_event);
  if v_attempt.outcome <> 'failed' then
    delete from pawl.timer where timer_id = v_timer.timer_id;
    return true;
  end if;

  v_attempt := pawl.next_try(v_attempt, v_timer.attempts);
  if v_attempt.retry_in is null then
    delete from pawl.timer where timer_id = v_timer.timer_id;
    insert into pawl.dead_letter (kind, machine, iid, seq, name, attempts, event, error)
    values ('timer', v_timer.machine, v_timer.iid, v_timer.seq, v_timer.name,
      v_timer.attempts + v_attempt.counts, v_event, v_attempt.error);
  else
    update pawl.timer
    set attempts = attempts + v_attempt.counts,
        due_at = pawl.now() + v_attempt.retry_in,
        last_error = v_attempt.message
    where timer_id = v_timer.timer_id;
  end if;
  return true;
end
$$;

comment on function pawl.fire_timer is
  'Consume one timer and take its transition; record the failure if that fails';
