-- What becomes of each effect, when, and why it is not running.
create or replace view pawl.effect_status as
select o.effect_id, o.machine, o.id, o.version, o.effect, o.invoke_id,
  s.state,
  case
    when s.state in ('backing off', 'rate-limited', 'waiting for a slot', 'running') then l.until
    when s.state in ('done', 'failed', 'cancelled') then r.apply_due
  end as next_at,
  case
    when s.state = 'backing off' then l.last_error
    when s.state = 'rate-limited' then format('%s in %s have begun', p.rate, p.rate_per)
    when s.state = 'waiting for a slot' then format('%s are running', p.slots)
    when s.state = 'no handler' then 'no worker that was seen in the last 30 seconds performs it'
    when s.state = 'ready' and l.worker is not null
      then format('the lease of "%s" ran out', l.worker)
    when r.apply_due is not null then coalesce('its event is sent again: ' || r.last_error,
      'its event is about to be sent')
    when s.state = 'cancelled' then coalesce(r.error ->> 'message', 'its state was left')
    when s.state = 'failed' then r.error ->> 'message'
  end as reason,
  coalesce(l.attempt, (r.error ->> 'attempts')::int, case when r.effect_id is null then 0 end)
    as attempt,
  coalesce(p.attempts, 1) as attempts,
  case when s.state = 'running' then l.worker end as worker,
  o.created_at
from pawl.outbox as o
left join pawl.lease as l on l.effect_id = o.effect_id
left join pawl.effect_result as r on r.effect_id = o.effect_id
left join pawl.effect_policy as p
  on p.machine = o.machine and p.version = o.version and p.effect = o.effect
cross join lateral (
  select case
    when r.outcome = 'done' then 'done'
    when r.outcome = 'error' then 'failed'
    when r.outcome in ('void', 'cancelled') then 'cancelled'
    when l.worker is not null and l.until > pawl.now() then 'running'
    when l.waits = 'slot' and l.until > pawl.now() then 'waiting for a slot'
    when l.waits = 'rate' and l.until > pawl.now() then 'rate-limited'
    when l.waits = 'backoff' and l.until > pawl.now() then 'backing off'
    when not exists (
      select from pawl.worker as w
      where w.seen_at > pawl.now() - interval '30 seconds'
        and (w.effects is null or o.effect = any (w.effects))
    ) then 'no handler'
    else 'ready'
  end as state
) as s;

comment on view pawl.effect_status is
  'What becomes of each effect, when, and why it is not running';
comment on column pawl.effect_status.state is
  'ready, no handler, backing off, rate-limited, waiting for a slot, running; done, failed, cancelled';
comment on column pawl.effect_status.next_at is
  'when it is tried again, when its lease ends, or when its event is sent again';
comment on column pawl.effect_status.attempt is
  'the attempt that is running, or the last one; null where that is not kept: done, or cancelled';
