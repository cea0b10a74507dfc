-- Give a worker effects to perform, oldest first, each under a lease with a fencing token.
-- p_effects null means any. What nobody waits for any more is settled as void on the way, and what
-- was tried its last time by a worker that vanished as an error.
-- Locks: outbox rows, skip locked; of effects to settle, then the instance.
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
  idempotency_key text,
  created_at timestamptz
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_open pawl.open_effect[];
  v_taken bigint[];
begin
  if p_worker is null then
    perform pawl.raise_null_argument('p_worker');
  end if;
  v_open := pawl.settle_hopeless(pawl.open_effects(p_effects, p_limit));

  with taken as (
    insert into pawl.lease as l (effect_id, token, until, attempt, worker)
    select o.effect_id, nextval('pawl.lease_token'), pawl.now() + p_lease, o.attempt + 1, p_worker
    from unnest(v_open) as o
    on conflict (effect_id) do update
    set token = excluded.token,
        until = excluded.until,
        attempt = l.attempt + 1,
        worker = excluded.worker
    where l.until <= pawl.now()
    returning l.effect_id
  )
  select array_agg(t.effect_id) into v_taken from taken as t;

  -- An expired holder may have finished while we took its effect: a new statement sees that.
  delete from pawl.lease as l
  using pawl.effect_result as r
  where l.effect_id = any (v_taken) and r.effect_id = l.effect_id;
  perform pawl.advance_mark();

  return query
    select o.effect_id, l.token, o.machine, o.version, o.id, o.effect, o.invoke_id, o.input,
      l.attempt, coalesce(p.attempts, 1), coalesce(p.timeout, interval '30 seconds'),
      format('%s/%s/%s', o.machine, o.id, o.effect_id), o.created_at
    from pawl.outbox as o
    join pawl.lease as l on l.effect_id = o.effect_id
    left join pawl.effect_policy as p
      on p.machine = o.machine and p.version = o.version and p.effect = o.effect
    where o.effect_id = any (v_taken)
    order by o.effect_id;
end
$$;

comment on function pawl.claim_effects is
  'Give a worker effects to perform, oldest first, each under a lease with a fencing token';
