-- Lock the instances of a batch, in the order in which everything locks instances.
-- Not those whose first event the caller may not send: he would hold them while he waits for the
-- next. Such an event is refused in its turn, or one before it has changed that.
-- Locks: the instances in (machine, iid) order.
-- Raises PT404.
create or replace function pawl.lock_batch(p_events jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_machine text;
  v_id text;
  v_event jsonb;
  v_iid bigint;
  v_asked constant boolean := pawl.claims() is not null;
begin
  for v_machine, v_id, v_event, v_iid in
    select t.machine, t.id, t.event, t.iid
    from (
      select e.machine, e.id, e.event, pawl.route_iid(e.machine, e.id) as iid
      from (
        select distinct on (1, 2)
          b.item ->> 'machine' as machine,
          b.item ->> 'id' as id,
          b.item -> 'event' as event
        from jsonb_array_elements(p_events) with ordinality as b (item, place)
        order by 1, 2, b.place
      ) as e
    ) as t
    order by t.machine collate "C", t.iid
  loop
    if v_asked
      and (v_iid is null or pawl.route_admits(v_machine, v_id, v_event) is not true)
    then
      continue;
    end if;
    if v_iid is null or pawl.route_lock(v_machine, v_id) is null then
      perform pawl.raise_not_found(v_machine, v_id);
    end if;
  end loop;
end
$$;

comment on function pawl.lock_batch is
  'Lock the instances of a batch, in the order in which everything locks instances';
