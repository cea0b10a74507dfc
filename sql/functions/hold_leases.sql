-- Lock the leases of many effects for the worker that holds them; returns those whose token is the
-- current one. The plan is made once, and goes by key: see open_effects.
-- Locks: the leases, in the order of their ids.
create or replace function pawl.hold_leases(p_effect_ids bigint[], p_tokens bigint[])
returns pawl.lease[]
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_hashjoin = off
set enable_mergejoin = off
set enable_material = off
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_leases pawl.lease[];
begin
  select array_agg(h.lease) into v_leases
  from (
    select l as lease
    from unnest(p_effect_ids, p_tokens) as a (effect_id, token)
    join pawl.lease as l on l.effect_id = a.effect_id and l.token = a.token
    order by l.effect_id
    for update of l
  ) as h;
  return coalesce(v_leases, '{}');
end
$$;

comment on function pawl.hold_leases is
  'Lock the leases of many effects for the worker that holds them';
