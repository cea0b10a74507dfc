-- Give a worker leases on effects whose rows the caller has locked; returns those it got.
-- Locks: the leases.
create or replace function pawl.take_effects(
  p_open pawl.open_effect[],
  p_worker text,
  p_lease interval
)
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
  v_taken bigint[];
  v_over bigint[];
begin
  with taken as (
    insert into pawl.lease as l
      (effect_id, token, until, started_at, beat_at, attempt, effect, slot, worker)
    select o.effect_id, nextval('pawl.lease_token'),
      pawl.lease_end(v_now, p_lease, v_now, p.timeout, v_now, p.heartbeat),
      v_now, v_now, a.attempt + 1, o.effect, pawl.slot_of(o, p), p_worker
    from unnest(p_open) as a
    join pawl.outbox as o on o.effect_id = a.effect_id
    left join pawl.effect_policy as p
      on p.machine = o.machine and p.version = o.version and p.effect = o.effect
    on conflict (effect_id) do update
    set token = excluded.token,
        until = excluded.until,
        started_at = excluded.started_at,
        beat_at = excluded.beat_at,
        attempt = l.attempt + 1,
        slot = excluded.slot,
        worker = excluded.worker,
        waits = null
    where l.until <= v_now
    returning l.effect_id
  )
  select coalesce(array_agg(t.effect_id), '{}') into v_taken from taken as t;

  -- Its holder may have finished an effect while we took it: a new statement sees that.
  with over as (
    delete from pawl.lease as l
    using pawl.effect_result as r
    where l.effect_id = any (v_taken) and r.effect_id = l.effect_id
    returning l.effect_id
  )
  select array_agg(o.effect_id) into v_over from over as o;
  if v_over is not null then
    return array(select t.id from unnest(v_taken) as t (id) where t.id <> all (v_over));
  end if;
  return v_taken;
end
$$;

comment on function pawl.take_effects is
  'Give a worker leases on effects whose rows the caller has locked; returns those it got';
