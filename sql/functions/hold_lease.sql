-- Lock the lease of an effect for the worker that holds it; returns the lease.
-- An expired lease is good until another worker takes the effect.
-- Locks: the lease. Raises PT409 when the token is not the current one.
create or replace function pawl.hold_lease(p_effect_id bigint, p_token bigint)
returns pawl.lease
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_lease pawl.lease;
begin
  select l.* into v_lease
  from pawl.lease as l
  where l.effect_id = p_effect_id and l.token = p_token
  for update;
  if not found then
    perform pawl.raise_lease_lost(p_effect_id);
  end if;
  return v_lease;
end
$$;

comment on function pawl.hold_lease is
  'Lock the lease of an effect for the worker that holds it; returns the lease';
