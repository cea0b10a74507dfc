-- Until when a lease is good that is given or renewed now: no longer than its handler may run or
-- be silent. Both are the worker's to enforce, so it has five seconds to report before others may
-- take the effect.
create or replace function pawl.lease_end(
  p_now timestamptz,
  p_lease interval,
  p_started_at timestamptz,
  p_timeout interval,
  p_beat_at timestamptz,
  p_heartbeat interval
)
returns timestamptz
language sql stable
as $$
  select least(
    p_now + p_lease,
    p_started_at + coalesce(p_timeout, interval '30 seconds') + interval '5 seconds',
    p_beat_at + p_heartbeat + interval '5 seconds'
  )
$$;

comment on function pawl.lease_end is
  'Until when a lease is good that is given or renewed now: no longer than its handler may run or be silent';
