-- Stop the children whose invoke an instance no longer has live, by a message to each: they may be
-- locked, and come before their parent in the order of locks. No exit action of theirs runs.
create or replace function pawl.stop_children(
  p_machine text,
  p_iid bigint,
  p_id text,
  p_invokes jsonb
)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  with gone as (
    delete from pawl.child as c
    where c.parent_machine = p_machine and c.parent_iid = p_iid
      and p_invokes ->> c.invoke_id is distinct from c.parent_seq::text
    returning c.*
  )
  insert into pawl.message
    (sender_machine, sender_iid, sender_id, sender_seq, due_at, kin, machine, id, source, event)
  select p_machine, p_iid, p_id, g.parent_seq, pawl.now(), true, g.machine, g.id, 'pawl.stop',
    '{"type": "pawl.stop"}'
  from gone as g
$$;

comment on function pawl.stop_children is
  'Stop the children whose invoke an instance no longer has live, by a message to each';
