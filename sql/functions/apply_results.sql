-- Send again the events of stored results whose transition failed; the handler does not run again.
-- After ten failures the event goes to dead_letter. Returns how many results it dealt with.
-- Locks: results and instances, skip locked, in (machine, iid) order.
create or replace function pawl.apply_results(p_limit int default 100)
returns int
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := pawl.now(); -- volatile: an index could not be asked for it
  v_result record;
  v_attempt pawl.attempt;
  v_count int := 0;
begin
  for v_result in
    select d.*
    from (
      select r.effect_id, r.apply_attempts, o.machine, o.iid, o.seq, o.id, o.effect, o.invoke_id,
        pawl.result_event(o.invoke_id, r.outcome, coalesce(r.output, r.error)) as event
      from pawl.effect_result as r
      join pawl.outbox as o on o.effect_id = r.effect_id
      where r.apply_due <= v_now
      order by r.apply_due
      limit p_limit
      for update of r skip locked
    ) as d
    order by d.machine collate "C", d.iid, d.effect_id
  loop
    continue when not pawl.route_try_lock(v_result.machine, v_result.iid);
    v_attempt := pawl.try_event(
      v_result.machine, v_result.iid, v_result.invoke_id, v_result.seq, v_result.event);
    v_count := v_count + 1;
    if v_attempt.outcome <> 'failed' then
      update pawl.effect_result
      set applied_at = case when v_attempt.outcome = 'applied' then pawl.now() end,
          apply_due = null
      where effect_id = v_result.effect_id;
      continue;
    end if;
    v_attempt := pawl.next_try(v_attempt, v_result.apply_attempts);
    update pawl.effect_result
    set apply_attempts = v_result.apply_attempts + v_attempt.counts,
        apply_due = pawl.now() + v_attempt.retry_in,
        last_error = v_attempt.message
    where effect_id = v_result.effect_id;
    if v_attempt.retry_in is null then
      insert into pawl.dead_letter
        (kind, machine, iid, seq, id, effect_id, name, attempts, event, error)
      values ('result', v_result.machine, v_result.iid, v_result.seq, v_result.id,
        v_result.effect_id, v_result.effect, v_result.apply_attempts + v_attempt.counts,
        v_result.event, v_attempt.error);
    end if;
  end loop;
  return v_count;
end
$$;

comment on function pawl.apply_results is
  'Send again the events of stored results whose transition failed; the handler does not run again';
