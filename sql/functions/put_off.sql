-- Let an effect wait that a limit does not admit; no attempt is counted.
-- Locks: the lease.
create or replace function pawl.put_off(
  p_effect pawl.outbox,
  p_waits text,
  p_until timestamptz,
  p_slot text
)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into pawl.lease (effect_id, token, until, attempt, effect, slot, waits)
  values (p_effect.effect_id, nextval('pawl.lease_token'), p_until, 0, p_effect.effect, p_slot,
    p_waits)
  on conflict (effect_id) do update
  set token = excluded.token,
      until = excluded.until,
      slot = excluded.slot,
      waits = excluded.waits,
      worker = null
$$;

comment on function pawl.put_off is
  'Let an effect wait that a limit does not admit; no attempt is counted';
