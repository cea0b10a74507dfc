-- Upkeep, for a worker to call now and then: move the outbox mark, make the next partitions of outbox
-- and journal, take out those whose time is over, drop those taken out before, and delete what is old
-- and in no partition: replies, and effects that outlived theirs. Returns how many of each.
-- Timers that are void go when they are due: see pawl.fire_due_timers.
-- Locks: the key 4, or it does without partitions; then see retire_partition.
create or replace function pawl.sweep(p_limit int default 10000)
returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before timestamptz := pawl.now() - interval '14 days';
  v_keep interval := effects from pawl.retention();
  v_keys int;
  v_effects int;
  v_dropped int := 0;
  v_retired boolean := false;
begin
  delete from pawl.event_key
  where ctid = any (array(
    select k.ctid from pawl.event_key as k where k.created_at < v_before limit p_limit));
  get diagnostics v_keys = row_count;

  with old as (
    select r.effect_id from pawl.effect_result_default as r
    where r.effect_id <= (select m.passed from pawl.outbox_mark as m)
      and r.at < pawl.now() - v_keep and r.apply_due is null
    order by r.effect_id
    limit p_limit
  ), result as (
    delete from pawl.effect_result as r using old where r.effect_id = old.effect_id
  )
  delete from pawl.outbox as o using old where o.effect_id = old.effect_id;
  get diagnostics v_effects = row_count;

  delete from pawl.effect_rate where ends_at < v_before;
  delete from pawl.worker where seen_at < v_before;
  perform pawl.advance_mark(pawl.newest_effect());
  perform pawl.close_gaps();
  if pg_try_advisory_xact_lock(pawl.lock_space(), 4) then
    v_dropped := pawl.drop_detached();
    perform pawl.turn_outbox(v_keep);
    perform pawl.make_outbox_partitions();
    perform pawl.make_journal_partitions();
    v_retired := pawl.retire_partition();
  end if;
  return jsonb_build_object(
    'event_keys', v_keys, 'effects', v_effects, 'dropped', v_dropped, 'retired', v_retired::int);
end
$$;

comment on function pawl.sweep is
  'Upkeep: move the outbox mark, make the next partitions, drop those whose time is over, delete old replies';
