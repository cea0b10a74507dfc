-- Report a failed attempt: the next one after a backoff, or, exhausted or not to be retried, the
-- error event and a dead letter. p_error is {"code", "message", "data"}; p_retry_after is what the
-- other side asked for: the next attempt does not begin before.
-- Returns when the next attempt is due; null if there is none.
-- Locks: the lease, then the instance, then what free_slots locks.
-- Raises PT409 when the token is stale, PT413.
create or replace function pawl.fail_effect(
  p_effect_id bigint,
  p_token bigint,
  p_error jsonb,
  p_retry boolean default true,
  p_retry_after interval default null
)
returns timestamptz
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_lease pawl.lease := pawl.hold_lease(p_effect_id, p_token);
  v_error jsonb := pawl.error_object(p_error, v_lease.attempt);
  v_due timestamptz;
begin
  perform pawl.check_size('the error', p_error);
  update pawl.lease as l
  set token = nextval('pawl.lease_token'),
      until = pawl.now() + greatest(
        pawl.backoff(v_lease.attempt, p.backoff_first, p.backoff_most), p_retry_after),
      worker = null,
      waits = 'backoff',
      last_error = left(v_error ->> 'message', 1000)
  from pawl.outbox as o
  join pawl.effect_policy as p
    on p.machine = o.machine and p.version = o.version and p.effect = o.effect
  where p_retry and l.effect_id = p_effect_id and o.effect_id = l.effect_id
    and v_lease.attempt < p.attempts and v_error ->> 'code' <> all (p.not_retried)
  returning l.until into v_due;
  if not found then
    perform pawl.settle_effect(p_effect_id, 'error', v_error);
  end if;
  perform pawl.free_slots(array[v_lease.slot]);
  return v_due;
end
$$;

comment on function pawl.fail_effect is
  'Report a failed attempt: the next one after a backoff, or the error event and a dead letter';
