-- Effects that are due, by priority and age, and what is to become of each. Those at which a worker
-- or the mark has looked before have a lease; the others are above the mark, or in a gap below it.
-- The last statement looks at all of them again, locked: what the first found may have been taken
-- since. Plans are made once, for a queue that may look empty then; so they never hash, keep or sort
-- whole tables: what is wanted is the first few.
-- Locks: their leases and outbox rows, skip locked.
create or replace function pawl.open_effects(p_effects text[], p_limit int, p_now timestamptz)
returns pawl.open_effect[]
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_hashjoin = off
set enable_mergejoin = off
set enable_material = off
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_passed bigint := (select m.passed from pawl.outbox_mark as m);
  v_from timestamptz := pawl.look_from('leases');
  v_began timestamptz := clock_timestamp();
  v_first timestamptz;
  v_due bigint[];
  v_late bigint[];
  v_fresh bigint[];
begin
  select array_agg(d.effect_id), min(d.until) into v_due, v_first
  from unnest(coalesce(p_effects, pawl.leased_effects())) as e (effect)
  cross join lateral (
    select l.effect_id, l.until from pawl.lease as l
    where l.effect = e.effect and l.until >= v_from and l.until <= p_now
    order by l.until
    limit p_limit
    for update skip locked
  ) as d;
  if v_from = '-infinity' then
    perform pawl.note_look('leases', v_began, coalesce(v_first, p_now));
  end if;

  select array_agg(d.effect_id) into v_late
  from pawl.outbox_gap as g
  cross join lateral (
    select o.effect_id
    from pawl.outbox as o
    where o.effect_id between g.first_id and g.last_id
      and (p_effects is null or o.effect = any (p_effects))
      and not exists (select from pawl.lease as l where l.effect_id = o.effect_id)
      and not exists (select from pawl.effect_result as r where r.effect_id = o.effect_id)
    order by o.effect_id
    limit p_limit
    for update of o skip locked
  ) as d;

  select array_agg(d.effect_id) into v_fresh
  from (
    select o.effect_id
    from pawl.outbox as o
    where o.effect_id > v_passed
      and (p_effects is null or o.effect = any (p_effects))
      and not exists (select from pawl.lease as l where l.effect_id = o.effect_id)
      and not exists (select from pawl.effect_result as r where r.effect_id = o.effect_id)
    order by o.effect_id
    limit p_limit
    for update of o skip locked
  ) as d;

  return coalesce(
    (
      select array_agg(
        row(
          d.effect_id,
          d.attempt,
          case
            when d.ended then 'taken'
            else pawl.fate_of(d.outbox, d.lease, d.policy, d.attempt, p_now)
          end
        )::pawl.open_effect
        order by d.priority desc, d.effect_id
      )
      from (
        select o.effect_id, o as outbox, l as lease, p as policy,
          coalesce(l.attempt, 0) as attempt, coalesce(p.priority, 0) as priority,
          r.effect_id is not null as ended
        from unnest(v_due || v_late || v_fresh) as t (id)
        join pawl.outbox as o on o.effect_id = t.id
        left join pawl.lease as l on l.effect_id = o.effect_id
        left join pawl.effect_result as r on r.effect_id = o.effect_id
        left join pawl.effect_policy as p
          on p.machine = o.machine and p.version = o.version and p.effect = o.effect
        order by priority desc, o.effect_id
        limit p_limit
      ) as d
    ),
    '{}'
  );
end
$$;

comment on function pawl.open_effects is
  'Effects that are due, by priority and age, and what is to become of each';
