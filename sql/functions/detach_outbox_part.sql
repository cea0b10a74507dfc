-- Take a partition out of the outbox and the results. What is open, or ended after p_before, moves to
-- the default partitions first. Senders wait for it, at most 50 ms: that is how long it waits for
-- theirs; then, or when more than 10,000 would move, it returns false and changes nothing.
-- Locks: outbox and effect_result, to the end of the transaction: call it last.
create or replace function pawl.detach_outbox_part(p_first_id bigint, p_before timestamptz)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '50ms'
as $$
declare
  v_outbox text := 'outbox_' || p_first_id;
  v_result text := 'effect_result_' || p_first_id;
  v_kept bigint[];
  v_reopened boolean;
begin
  execute format(
    $sql$
    select coalesce(array_agg(k.effect_id), '{}')
    from (
      select o.effect_id
      from pawl.%I as o
      left join pawl.%I as r on r.effect_id = o.effect_id
      where r.effect_id is null or r.at >= $1 or r.apply_due is not null
      limit 10001
    ) as k
    $sql$,
    v_outbox, v_result
  )
  into v_kept
  using p_before;
  if cardinality(v_kept) > 10000 then
    return false;
  end if;

  lock table only pawl.outbox, only pawl.effect_result in access exclusive mode;
  execute format(
    $sql$
    select exists (
        select from pawl.outbox_part as p
        join pawl.lease as l on l.effect_id between p.first_id and p.last_id
        where p.first_id = $1 and l.effect_id <> all ($2)
      )
      or exists (
        select from pawl.%I as r where r.apply_due is not null and r.effect_id <> all ($2)
      )
    $sql$,
    v_result
  )
  into v_reopened
  using p_first_id, v_kept;
  if v_reopened then
    return false;
  end if;
  execute format('alter table pawl.outbox detach partition pawl.%I', v_outbox);
  execute format('alter table pawl.effect_result detach partition pawl.%I', v_result);
  execute format(
    $sql$
    insert into pawl.outbox (
      effect_id, iid, seq, created_at, version, machine, id, effect, invoke_id, input, trace
    )
    overriding system value
    select o.effect_id, o.iid, o.seq, o.created_at, o.version, o.machine, o.id, o.effect,
      o.invoke_id, o.input, o.trace
    from pawl.%I as o
    where o.effect_id = any ($1)
    $sql$,
    v_outbox
  )
  using v_kept;
  execute format(
    $sql$
    insert into pawl.effect_result (
      effect_id, at, outcome, output, error, applied_at, apply_due, apply_attempts, last_error
    )
    select r.effect_id, r.at, r.outcome, r.output, r.error, r.applied_at, r.apply_due,
      r.apply_attempts, r.last_error
    from pawl.%I as r
    where r.effect_id = any ($1)
    $sql$,
    v_result
  )
  using v_kept;
  insert into pawl.detached (name) values (v_outbox), (v_result);
  delete from pawl.outbox_part where first_id = p_first_id;
  return true;
exception
  when lock_not_available then
    return false;
end
$$;

comment on function pawl.detach_outbox_part is
  'Take a partition out of the outbox and the results; what is open or young moves to the default ones';
