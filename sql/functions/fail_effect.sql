-- Report a failed attempt: the next one after a backoff, or, exhausted or not to be retried, the
-- error event and a dead letter. p_error is {"code", "message", "data"}.
-- Returns when the next attempt is due; null if there is none.
-- Locks: the lease, then the instance. Raises PT409 when the token is stale.
create or replace function pawl.fail_effect(
  p_effect_id bigint,
  p_token bigint,
  p_error jsonb,
  p_retry boolean default true
)
returns timestamptz
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_attempt int := pawl.hold_lease(p_effect_id, p_token);
  v_due timestamptz;
begin
  perform pawl.check_size('the error', p_error);
  if p_retry then
    update pawl.lease as l
    set token = nextval('pawl.lease_token'),
        until = pawl.now() + pawl.backoff(v_attempt, p.backoff_first, p.backoff_most),
        worker = null
    from pawl.outbox as o
    join pawl.effect_policy as p
      on p.machine = o.machine and p.version = o.version and p.effect = o.effect
    where l.effect_id = p_effect_id and o.effect_id = l.effect_id and v_attempt < p.attempts
    returning l.until into v_due;
    if found then
      return v_due;
    end if;
  end if;
  perform pawl.settle_effect(p_effect_id, 'error', pawl.error_object(p_error, v_attempt));
  return null;
end
$$;

comment on function pawl.fail_effect is
  'Report a failed attempt: the next one after a backoff, or the error event and a dead letter';
