-- Deliver messages between instances, each in its own subtransaction; those of one sender to one
-- receiver in the order in which they were sent, so one that has to wait holds up its followers.
-- Returns how many it dealt with: while that is not 0, more may be due.
-- Locks: receivers, skip locked, in (machine, iid) order, then the message.
create or replace function pawl.deliver_messages(p_limit int default 100)
returns int
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_due record;
  v_count int := 0;
begin
  for v_due in
    select d.message, d.iid
    from (
      select m as message,
        case when k.name is not null then pawl.route_iid(m.machine, m.id) end as iid
      from unnest(pawl.due_messages(pawl.now(), p_limit)) as m
      left join pawl.machine as k on k.name = m.machine
    ) as d
    order by (d.message).machine collate "C", d.iid, (d.message).message_id
  loop
    if v_due.iid is null or pawl.route_try_lock((v_due.message).machine, v_due.iid) then
      v_count := v_count + pawl.deliver_message(v_due.message)::int;
    end if;
  end loop;
  return v_count;
end
$$;

comment on function pawl.deliver_messages is
  'Deliver messages between instances, each in its own subtransaction, in order between any two';
