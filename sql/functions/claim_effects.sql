-- Give a worker effects to perform, by priority and age, each under a lease with a fencing token.
-- p_effects null means any. What nobody waits for any more is settled as void on the way, what was
-- tried its last time, or not in time, as an error. No rows: there is nothing for this worker now.
-- Where effects have slots, the key of limits comes first: a lock that skips what is locked still
-- keeps the newest version of a row that it then finds not to be due, and so one that waits for a
-- slot, which whoever frees the slot must tell.
-- Locks: the key of limits, until the transaction ends; outbox rows and leases, skip locked; of
-- effects to settle, the instance, if it is free.
create or replace function pawl.claim_effects(
  p_worker text,
  p_effects text[] default null,
  p_limit int default 10,
  p_lease interval default '60 seconds'
)
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
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_open pawl.open_effect[];
  v_taken bigint[] := '{}'::bigint[];
  v_wanted int := p_limit;
begin
  if p_worker is null then
    perform pawl.raise_null_argument('p_worker');
  end if;
  if exists (
    select from pawl.effect_policy as p
    where p.slots is not null and (p_effects is null or p.effect = any (p_effects))
  ) then
    perform pg_advisory_xact_lock(pawl.lock_space(), 3);
  end if;
  if exists (select from pawl.effect_policy as p where p.priority <> 0) then
    perform pawl.advance_mark(pawl.newest_effect());
  end if;
  while v_wanted > 0 loop
    v_open := pawl.open_effects(p_effects, v_wanted, pawl.now());
    exit when v_open = '{}';
    v_taken := v_taken || pawl.take_effects(
      pawl.admit_effects(pawl.settle_hopeless(v_open)), p_worker, p_lease);
    exit when cardinality(v_open) < v_wanted;
    v_wanted := p_limit - cardinality(v_taken);
  end loop;
  perform pawl.advance_mark(
    case when v_wanted > 0 then pawl.newest_effect()
      else (select max(t.id) from unnest(v_taken) as t (id)) end,
    500);

  return query select * from pawl.taken_effects(v_taken);
end
$$;

comment on function pawl.claim_effects is
  'Give a worker effects to perform, by priority and age, each under a lease with a fencing token';
