-- Messages that are due, the earliest first, but for those behind one of the same sender to the same
-- receiver that has to wait. The plan is the index's order, whatever the statistics say.
create or replace function pawl.due_messages(p_now timestamptz, p_limit int)
returns pawl.message[]
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_from timestamptz := pawl.look_from('messages');
  v_began timestamptz := clock_timestamp();
  v_due pawl.message[];
begin
  v_due := array(
    select m from pawl.message as m
    where m.due_at >= v_from and m.due_at <= p_now
      and not exists (
        select from pawl.message as e
        where e.machine = m.machine and e.id = m.id
          and e.sender_machine = m.sender_machine and e.sender_iid = m.sender_iid
          and e.message_id < m.message_id and e.due_at > p_now
      )
    order by m.due_at, m.message_id
    limit p_limit
  );
  if v_from = '-infinity' then
    perform pawl.note_look('messages', v_began, coalesce((v_due[1]).due_at, p_now));
  end if;
  return v_due;
end
$$;

comment on function pawl.due_messages is
  'Messages that are due, the earliest first, but for those behind one that has to wait';
