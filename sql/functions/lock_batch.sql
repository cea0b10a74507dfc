-- Lock the instances of a batch, in the order in which everything locks instances.
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
  v_iid bigint;
begin
  for v_machine, v_id, v_iid in
    select t.machine, t.id, t.iid
    from (
      select e.machine, e.id, pawl.route_iid(e.machine, e.id) as iid
      from (
        select distinct item ->> 'machine' as machine, item ->> 'id' as id
        from jsonb_array_elements(p_events) as item
      ) as e
    ) as t
    order by t.machine collate "C", t.iid
  loop
    if v_iid is null or pawl.route_lock(v_machine, v_id) is null then
      perform pawl.raise_not_found(v_machine, v_id);
    end if;
  end loop;
end
$$;

comment on function pawl.lock_batch is
  'Lock the instances of a batch, in the order in which everything locks instances';
