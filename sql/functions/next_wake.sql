-- The earliest moment at which a timer, an effect that waits or whose lease ends, the event of a
-- stored result, or a message whose turn it is, is due; null if nothing is. It may be past. What has
-- just been sent rings instead.
create or replace function pawl.next_wake(p_effects text[] default null)
returns timestamptz
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
  select least(
    (
      select t.due_at from pawl.timer as t
      where t.due_at >= (select pawl.look_from('timers'))
      order by t.due_at
      limit 1
    ),
    (
      select min(l.until)
      from unnest(coalesce(p_effects, pawl.leased_effects())) as e (effect)
      cross join lateral (
        select l.until from pawl.lease as l
        where l.effect = e.effect and l.until >= (select pawl.look_from('leases'))
        order by l.until
        limit 1
      ) as l
    ),
    (
      select r.apply_due from pawl.effect_result as r
      where r.apply_due is not null
      order by r.apply_due
      limit 1
    ),
    (
      select m.due_at from pawl.message as m
      where m.due_at >= (select pawl.look_from('messages'))
        and not exists (
        select from pawl.message as e
        where e.machine = m.machine and e.id = m.id
          and e.sender_machine = m.sender_machine and e.sender_iid = m.sender_iid
          and e.message_id < m.message_id
      )
      order by m.due_at
      limit 1
    )
  )
$$;

comment on function pawl.next_wake is
  'The earliest moment at which a timer, a waiting effect, a stored result or a message is due';
