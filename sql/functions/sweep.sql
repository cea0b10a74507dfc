-- Upkeep, for a worker to call now and then: drop replies and settled effects older than 14 days,
-- move the outbox mark, make the journal's next partitions. Returns how many rows it dropped.
-- Timers that are void go when they are due: see pawl.fire_due_timers.
create or replace function pawl.sweep(p_limit int default 10000)
returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before timestamptz := pawl.now() - interval '14 days';
  v_keys int;
  v_effects int;
begin
  delete from pawl.event_key
  where ctid = any (array(
    select k.ctid from pawl.event_key as k where k.created_at < v_before limit p_limit));
  get diagnostics v_keys = row_count;

  with old as (
    select r.effect_id from pawl.effect_result as r
    where r.effect_id <= (select m.passed from pawl.outbox_mark as m)
      and r.at < v_before and r.apply_due is null
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
  perform pawl.make_journal_partitions();
  return jsonb_build_object('event_keys', v_keys, 'effects', v_effects);
end
$$;

comment on function pawl.sweep is
  'Upkeep: drop replies and settled effects older than 14 days, move the outbox mark, make the journal''s next partitions';
