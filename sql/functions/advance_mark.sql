-- Move the mark from which claims read the outbox, up to p_upto, if that is p_every or more away.
-- What nobody has claimed gets a lease that waits; ids that nobody has seen are noted as gaps, for
-- their transactions may be in flight. It stops at what a claim in flight holds.
-- Locks: the mark and outbox rows, skip locked.
create or replace function pawl.advance_mark(p_upto bigint, p_every bigint default 1)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_hashjoin = off
set enable_mergejoin = off
set enable_material = off
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_passed bigint;
  v_upto bigint;
  v_seen bigint[];
  v_open bigint[];
  v_held bigint[];
begin
  select m.passed into v_passed from pawl.outbox_mark as m
  where m.passed + p_every <= p_upto
  for update skip locked;
  if not found then
    return;
  end if;
  v_upto := coalesce(
    (
      select o.effect_id from pawl.outbox as o
      where o.effect_id > v_passed and o.effect_id <= p_upto
      order by o.effect_id
      offset 9999
      limit 1
    ),
    p_upto
  );
  perform pawl.close_gaps();

  -- One statement, so one snapshot: what it does not show is a gap.
  select coalesce(array_agg(o.effect_id), '{}'), coalesce(array_agg(o.effect_id) filter (where
      not exists (select from pawl.lease as l where l.effect_id = o.effect_id)
      and not exists (select from pawl.effect_result as r where r.effect_id = o.effect_id)), '{}')
  into v_seen, v_open
  from pawl.outbox as o
  where o.effect_id > v_passed and o.effect_id <= v_upto;
  v_held := array(
    select o.effect_id from pawl.outbox as o
    where o.effect_id = any (v_open)
    for update skip locked
  );
  select coalesce(min(o.id) - 1, v_upto) into v_upto
  from (select unnest(v_open) except select unnest(v_held)) as o (id);

  insert into pawl.lease (effect_id, token, until, attempt, effect)
  select o.effect_id, nextval('pawl.lease_token'), pawl.now(), 0, o.effect
  from pawl.outbox as o
  where o.effect_id = any (v_held) and o.effect_id <= v_upto
  on conflict (effect_id) do nothing;
  if v_held <> '{}' then
    delete from pawl.lease as l
    using pawl.effect_result as r
    where l.effect_id = any (v_held) and r.effect_id = l.effect_id;
  end if;

  insert into pawl.outbox_gap (first_id, last_id)
  select s.before + 1, s.id - 1
  from (
    select i.id, lag(i.id, 1, v_passed) over (order by i.id) as before
    from (
      select u.id from unnest(v_seen) as u (id) where u.id <= v_upto
      union all
      select v_upto + 1
    ) as i
  ) as s
  where s.id > s.before + 1;
  update pawl.outbox_mark set passed = v_upto where only_row;
end
$$;

comment on function pawl.advance_mark is
  'Move the mark from which claims read the outbox, up to p_upto, if that is p_every or more away';
