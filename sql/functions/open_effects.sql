-- Effects that are to be performed now, oldest first, and whether somebody still waits for each.
-- Locks: their outbox rows, skip locked.
create or replace function pawl.open_effects(p_effects text[], p_limit int)
returns pawl.open_effect[]
language sql
set search_path = pg_catalog, pg_temp
as $$
  with open as (
    select o.effect_id, o.machine, o.iid, o.invoke_id, o.seq,
      coalesce(l.attempt, 0) as attempt, coalesce(p.attempts, 1) as attempts
    from pawl.outbox as o
    left join pawl.lease as l on l.effect_id = o.effect_id
    left join pawl.effect_policy as p
      on p.machine = o.machine and p.version = o.version and p.effect = o.effect
    where o.effect_id > (select m.settled from pawl.outbox_mark as m)
      and (p_effects is null or o.effect = any (p_effects))
      and (l.effect_id is null or l.until <= pawl.now())
      and not exists (select from pawl.effect_result as r where r.effect_id = o.effect_id)
    order by o.effect_id
    limit p_limit
    for update of o skip locked
  )
  select coalesce(array_agg(
    row(
      o.effect_id, o.attempt, o.attempts,
      o.invoke_id is null or pawl.route_invoke_live(o.machine, o.iid, o.invoke_id, o.seq)
    )::pawl.open_effect
    order by o.effect_id
  ), '{}')
  from open as o
$$;

comment on function pawl.open_effects is
  'Effects that are to be performed now, oldest first, and whether somebody still waits for each';
