-- After a macrostep of an instance of a machine that is observed (`onSnapshot`): send its parent, if
-- it is the child of one that asked for it, a message with what a reader would see of it.
-- tg_argv is the machine.
create or replace function pawl.tell_snapshot()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into pawl.message
    (sender_machine, sender_iid, sender_id, sender_seq, due_at, kin, machine, id, source,
      source_seq, event)
  select c.machine, new.iid, c.id, new.seq, pawl.now(), true, c.parent_machine, c.parent_id,
    c.invoke_id, c.parent_seq,
    jsonb_build_object(
      'type', 'snapshot.invoke.' || c.invoke_id,
      'snapshot', pawl.route_reply(c.machine, c.id)
    )
  from pawl.child as c
  where c.machine = tg_argv[0] and c.id = new.id and c.observed;
  return null;
end
$$;

comment on function pawl.tell_snapshot is
  'After a macrostep of an instance of an observed machine: send its parent a message with its snapshot';
