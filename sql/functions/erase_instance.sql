-- Delete an instance and all that is kept about it: journal, timers, effects, replies, dead letters.
-- What stays is one journal row that says who erased it when; it does not hold the id. Its children
-- are stopped; the parent whose invoke it was gets an error event, with the code "erased".
-- Locks: leases of its effects, in the order of their ids, the instance, then what free_slots locks.
-- Raises PT403, PT404.
create or replace function :"api_schema".erase_instance(machine text, id text)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_instance record;
  v_slots text[];
begin
  perform pawl.require_trusted('erase_instance');
  -- First, and holding no instance: a worker that finishes an effect of it holds the lease and
  -- waits for the instance.
  with gone as (
    delete from pawl.lease as l
    using (
      select h.effect_id
      from pawl.outbox as o
      join pawl.lease as h on h.effect_id = o.effect_id
      where o.machine = erase_instance.machine
        and o.iid = pawl.route_iid(erase_instance.machine, erase_instance.id)
      order by h.effect_id
      for update of h
    ) as held
    where l.effect_id = held.effect_id
    returning l.slot
  )
  select coalesce(array_agg(distinct g.slot), '{}') into v_slots from gone as g;
  v_instance := pawl.lock_instance('erase_instance', machine, id);
  perform pawl.delete_instance(machine, v_instance.iid);
  perform pawl.journal_act(
    machine, v_instance.iid, v_instance.version, v_instance.seq + 1, '{}', '{"type": "pawl.erase"}');
  perform pawl.free_slots(v_slots);
end
$$;

comment on function :"api_schema".erase_instance is
  'Delete an instance and all that is kept about it: journal, timers, effects, replies, dead letters';
