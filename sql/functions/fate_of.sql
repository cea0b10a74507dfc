-- What is to become of an effect that was found due: perform, limited (there is a limit to ask),
-- void (nobody waits for it), taken (by a worker, since it was found), or the code of the error that
-- it ends with. p_lease is null for one that no worker has had.
create or replace function pawl.fate_of(
  p_effect pawl.outbox,
  p_lease pawl.lease,
  p_policy pawl.effect_policy,
  p_attempt int,
  p_now timestamptz
)
returns text
language sql
as $$
  select case
    when p_lease.until > p_now then 'taken'
    when p_effect.invoke_id is not null and not pawl.route_invoke_live(
      p_effect.machine, p_effect.iid, p_effect.invoke_id, p_effect.seq) then 'void'
    when p_attempt = 0 and p_effect.created_at + p_policy.start_within <= p_now then 'not_started'
    when p_attempt >= coalesce(p_policy.attempts, 1) then pawl.why_expired(p_lease, p_policy)
    when p_policy.slots is not null or p_policy.rate is not null then 'limited'
    else 'perform'
  end
$$;

comment on function pawl.fate_of is
  'What is to become of an effect that was found due: perform, limited, void, taken, or the code of the error that it ends with';
