-- Tell what came of an undeliverable message: error.send.<id> to a sender that can take it, by a
-- message too; for others, and when that failed, a row in dead_letter. In SCXML the event is
-- error.communication; what a session only passes on to a child that has ended is dropped.
create or replace function pawl.return_message(p_message pawl.message, p_attempt pawl.attempt)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_detail jsonb := case
    when p_attempt.error ->> 'detail' like '{"error": %' then (p_attempt.error ->> 'detail')::jsonb
  end;
begin
  if p_message.send_id is null and p_message.event ? '_event' then
    return;
  elsif p_message.send_id is null then
    insert into pawl.dead_letter
      (kind, machine, iid, seq, id, name, attempts, event, error, message)
    values ('message', p_message.sender_machine, p_message.sender_iid, p_message.sender_seq,
      p_message.sender_id, p_message.machine, p_message.attempts + 1, p_message.event,
      p_attempt.error || jsonb_build_object('machine', p_message.machine, 'id', p_message.id),
      to_jsonb(p_message) - 'event');
    return;
  end if;
  insert into pawl.message
    (sender_machine, sender_iid, sender_id, sender_seq, due_at, machine, id, source,
      event)
  values (p_message.sender_machine, p_message.sender_iid, p_message.sender_id,
    p_message.sender_seq, pawl.now(), p_message.sender_machine, p_message.sender_id,
    'error.send.' || p_message.send_id,
    case
      when p_message.event ? '_event'
        then pawl.scxml_error('PT502', p_attempt.message, nullif(p_message.send_id, ''))
      else jsonb_build_object(
        'type', 'error.send.' || p_message.send_id,
        'error', pawl.error_object(
          jsonb_build_object(
            'code', coalesce(v_detail ->> 'error', p_attempt.error ->> 'sqlstate'),
            'message', p_attempt.message,
            'data', v_detail - 'error'
          ),
          p_message.attempts + 1
        )
      )
    end);
end
$$;

comment on function pawl.return_message is
  'Tell what came of an undeliverable message: error.send.<id> to its sender, or a row in dead_letter';
