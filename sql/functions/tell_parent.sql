-- An instance has ended: send the done or error event to the parent that waits for it, if it has one.
-- p_iid is null for a child that could not be created, or is no more.
create or replace function pawl.tell_parent(
  p_machine text,
  p_iid bigint,
  p_id text,
  p_outcome text,
  p_value jsonb
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_child pawl.child;
begin
  delete from pawl.child as c
  where c.machine = p_machine and c.id = p_id
  returning c.* into v_child;
  if found then
    insert into pawl.message
      (sender_machine, sender_iid, sender_id, sender_seq, due_at, kin, machine, id, source,
        source_seq, event)
    values (p_machine, coalesce(p_iid, 0), p_id, v_child.parent_seq, pawl.now(), true,
      v_child.parent_machine, v_child.parent_id, v_child.invoke_id, v_child.parent_seq,
      pawl.result_event(v_child.invoke_id, p_outcome, p_value));
  end if;
end
$$;

comment on function pawl.tell_parent is
  'An instance has ended: send the done or error event to the parent that waits for it';
