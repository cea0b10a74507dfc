-- The code of the error that a lease ran out with: timeout (of the attempt), heartbeat_missed, or
-- lease_expired (the worker vanished).
create or replace function pawl.why_expired(
  p_lease pawl.lease,
  p_policy pawl.effect_policy
)
returns text
language sql immutable
as $$
  select case
    when p_lease.until >= p_lease.beat_at + p_policy.heartbeat + interval '5 seconds'
      then 'heartbeat_missed'
    when p_lease.until >= p_lease.started_at + p_policy.timeout + interval '5 seconds'
      then 'timeout'
    else 'lease_expired'
  end
$$;

comment on function pawl.why_expired is
  'The code of the error that a lease ran out with: timeout, heartbeat_missed or lease_expired';
