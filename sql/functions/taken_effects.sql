-- What a worker gets to know of the effects that it took, by priority and age. The plan is made once,
-- and goes by key: see open_effects.
create or replace function pawl.taken_effects(p_effect_ids bigint[])
returns table (
  effect_id bigint,
  token bigint,
  machine text,
  version int,
  id text,
  effect text,
  invoke_id text,
  input jsonb,
  attempt int,
  attempts int,
  timeout interval,
  heartbeat interval,
  idempotency_key text,
  created_at timestamptz,
  trace text
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set enable_hashjoin = off
set enable_mergejoin = off
set enable_material = off
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return query
    select o.effect_id, l.token, o.machine, o.version, o.id, o.effect, o.invoke_id, o.input,
      l.attempt, coalesce(p.attempts, 1), coalesce(p.timeout, interval '30 seconds'), p.heartbeat,
      format('%s/%s/%s', o.machine, o.id, o.effect_id), o.created_at, o.trace
    from unnest(p_effect_ids) as t (id)
    join pawl.outbox as o on o.effect_id = t.id
    join pawl.lease as l on l.effect_id = o.effect_id
    left join pawl.effect_policy as p
      on p.machine = o.machine and p.version = o.version and p.effect = o.effect
    order by coalesce(p.priority, 0) desc, o.effect_id;
end
$$;

comment on function pawl.taken_effects is
  'What a worker gets to know of the effects that it took, by priority and age';
