-- Send what a macrostep has for other instances: atomic messages now, others by a row.
-- An event of SCXML for the parent is one from a child, however the parent is named.
-- Locks: the receivers of atomic messages. Raises 40001 and, of an atomic one, what it raises.
create or replace function pawl.post_messages(
  p_machine text,
  p_iid bigint,
  p_id text,
  p_seq bigint,
  p_messages pawl.message_command[]
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_message pawl.message_command;
begin
  insert into pawl.message
    (sender_machine, sender_iid, sender_id, sender_seq, due_at, kin, machine, id, send_id,
      source_seq, invoke_id, event)
  select p_machine, p_iid, p_id, p_seq, pawl.now(),
    m.machine is null or f.machine is not null,
    coalesce(m.machine, c.machine, f.parent_machine),
    case when m.machine is not null then m.id else coalesce(c.id, f.parent_id) end,
    m.send_id, f.parent_seq, f.invoke_id, m.event
  from unnest(p_messages) with ordinality as m (machine, id, event, send_id, atomic, child, place)
  left join pawl.child as c
    on m.machine is null and c.parent_machine = p_machine and c.parent_iid = p_iid
      and c.invoke_id = m.child
  left join pawl.child as f
    on f.machine = p_machine and f.id = p_id
      and case
        when m.event ? '_event' and m.machine is not null
          then (m.machine, m.id) = (f.parent_machine, f.parent_id)
        else m.machine is null and m.child is null
      end
  where not m.atomic
  order by m.place;

  if true = any (select m.atomic from unnest(p_messages) as m) then
    perform pawl.lock_receivers(p_machine, p_iid, p_messages);
    foreach v_message in array p_messages loop
      if v_message.atomic then
        perform pawl.post_atomic(v_message, array[p_machine, p_id]);
      end if;
    end loop;
  end if;
end
$$;

comment on function pawl.post_messages is
  'Send what a macrostep has for other instances: atomic messages now, others by a row';
