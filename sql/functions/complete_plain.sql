-- Store together the outputs for which nobody waits, of effects whose leases the caller has locked;
-- returns the effects that are settled with it. The plan is made once, and goes by key: see
-- open_effects.
create or replace function pawl.complete_plain(p_effect_ids bigint[], p_outputs jsonb[])
returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_hashjoin = off
set enable_mergejoin = off
set enable_material = off
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_now timestamptz := pawl.now();
  v_stored bigint[];
begin
  with stored as (
    insert into pawl.effect_result as r (effect_id, at, outcome, output, applied_at)
    select a.effect_id, v_now, 'done', a.output, v_now
    from unnest(p_effect_ids, p_outputs) as a (effect_id, output)
    join pawl.outbox as o on o.effect_id = a.effect_id
    where o.invoke_id is null and coalesce(pg_column_size(a.output), 0) <= 1048576
    on conflict (effect_id) do nothing
    returning r.effect_id
  )
  select coalesce(array_agg(s.effect_id), '{}') into v_stored from stored as s;
  delete from pawl.lease where effect_id = any (v_stored);
  return v_stored;
end
$$;

comment on function pawl.complete_plain is
  'Store together the outputs for which nobody waits, of effects whose leases the caller has locked';
