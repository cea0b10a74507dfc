-- Send a message's event to its receiver in a subtransaction, and tell how it went: applied,
-- refused (absent, forbidden, not taken, not running …) or failed. A paused receiver has not
-- refused: it is asked again, uncounted. What tells a sender of its own message asks no authorizer.
-- A parent is told which invoke created the sender, and when.
-- Locks: the receiver.
create or replace function pawl.try_message(p_message pawl.message)
returns pawl.attempt
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_attempt pawl.attempt;
  v_detail text;
begin
  if p_message.source = 'pawl.stop' then
    perform pawl.stop_child(
      p_message.machine, p_message.id, p_message.sender_machine, p_message.sender_id);
  elsif p_message.source is not null then
    perform pawl.route_internal(
      p_message.machine,
      pawl.route_iid(p_message.machine, p_message.id),
      p_message.source,
      p_message.source_seq,
      p_message.event
    );
  else
    perform pawl.route_message(
      p_message.machine,
      p_message.id,
      pawl.plain_event(p_message.machine, p_message.event),
      array[p_message.sender_machine, p_message.sender_id]
        || case when p_message.kin then array['kin'] end
        || case
          when p_message.invoke_id is not null
            then array[p_message.invoke_id, p_message.source_seq::text]
        end
    );
  end if;
  v_attempt.outcome := 'applied';
  return v_attempt;
exception
  when others then
    get stacked diagnostics v_detail = pg_exception_detail;
    v_attempt := pawl.failed_attempt(sqlstate, sqlerrm, v_detail);
    if v_attempt.counts > 0 and sqlstate like 'PT4%' then
      v_attempt.outcome := 'refused';
      v_attempt.retry_in := null;
    end if;
    return v_attempt;
end
$$;

comment on function pawl.try_message is
  'Send a message''s event to its receiver in a subtransaction, and tell how it went';
