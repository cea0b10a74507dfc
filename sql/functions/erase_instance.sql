-- Delete an instance and all that is kept about it: journal, timers, effects, replies, dead letters.
-- What stays is one journal row that says who erased it when; it does not hold the id.
-- Locks: leases of its effects, then the instance. Raises PT403, PT404.
create or replace function :"api_schema".erase_instance(machine text, id text)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_instance record;
begin
  perform pawl.require_trusted('erase_instance');
  -- First, and holding no instance: a worker that finishes an effect of it holds the lease and
  -- waits for the instance.
  delete from pawl.lease as l
  using pawl.outbox as o
  where o.effect_id = l.effect_id and o.machine = erase_instance.machine
    and o.iid = pawl.route_iid(erase_instance.machine, erase_instance.id);
  v_instance := pawl.lock_instance('erase_instance', machine, id);
  perform pawl.delete_instance(machine, v_instance.iid);
  perform pawl.journal_act(
    machine, v_instance.iid, v_instance.version, v_instance.seq + 1, '{}', '{"type": "pawl.erase"}');
end
$$;

comment on function :"api_schema".erase_instance is
  'Delete an instance and all that is kept about it: journal, timers, effects, replies, dead letters';
