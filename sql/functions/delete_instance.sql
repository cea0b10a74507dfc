-- Delete every row of an instance in every table, and tell the parent whose invoke it was.
-- Locks: the instance must be locked by the caller.
create or replace function pawl.delete_instance(p_machine text, p_iid bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_effects bigint[] := array(
    select o.effect_id from pawl.outbox as o where o.machine = p_machine and o.iid = p_iid
  );
  v_id text;
begin
  delete from pawl.lease where effect_id = any (v_effects);
  delete from pawl.effect_result where effect_id = any (v_effects);
  delete from pawl.outbox where effect_id = any (v_effects);
  delete from pawl.timer where machine = p_machine and iid = p_iid;
  delete from pawl.message where sender_machine = p_machine and sender_iid = p_iid;
  perform pawl.stop_children(p_machine, p_iid, null, '{}');
  delete from pawl.event_key where machine = p_machine and iid = p_iid;
  delete from pawl.dead_letter where machine = p_machine and iid = p_iid;
  delete from pawl.journal where machine = p_machine and iid = p_iid;
  execute format(
    'delete from %I.instance where iid = $1 returning id',
    (select m.schema_name from pawl.machine as m where m.name = p_machine)
  )
  into v_id
  using p_iid;
  perform pawl.tell_parent(p_machine, null, v_id, 'error', jsonb_build_object(
    'code', 'erased', 'message', format('the instance of %s was erased', p_machine)));
end
$$;

comment on function pawl.delete_instance is
  'Delete every row of an instance in every table, and tell the parent whose invoke it was';
