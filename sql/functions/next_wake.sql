-- The earliest moment at which a timer, an effect that waits or whose lease ends, or the event of a
-- stored result is due; null if nothing is. It may be past. What has just been sent rings instead.
create or replace function pawl.next_wake(p_effects text[] default null)
returns timestamptz
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
  select least(
    (select t.due_at from pawl.timer as t order by t.due_at limit 1),
    (
      select min(l.until)
      from unnest(coalesce(p_effects, pawl.leased_effects())) as e (effect)
      cross join lateral (
        select l.until from pawl.lease as l where l.effect = e.effect order by l.until limit 1
      ) as l
    ),
    (
      select r.apply_due from pawl.effect_result as r
      where r.apply_due is not null
      order by r.apply_due
      limit 1
    )
  )
$$;

comment on function pawl.next_wake is
  'The earliest moment at which a timer, an effect that waits, or the event of a stored result is due';
