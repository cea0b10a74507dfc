-- Consume one message and take its transition. What the receiver refuses goes back to the sender;
-- what fails is tried again after a backoff, ten times, then goes back too.
-- Returns false if somebody else consumed it, or if it is not its turn.
-- Locks: the message; the receiver must be locked by the caller.
create or replace function pawl.deliver_message(p_message pawl.message)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_attempt pawl.attempt;
begin
  perform from pawl.message as m
  where m.message_id = p_message.message_id
    and not exists (
      select from pawl.message as e
      where e.machine = m.machine and e.id = m.id
        and e.sender_machine = m.sender_machine and e.sender_iid = m.sender_iid
        and e.message_id < m.message_id
    )
  for update of m skip locked;
  if not found then
    return false;
  end if;
  v_attempt := pawl.try_message(p_message);
  if v_attempt.outcome = 'failed' then
    v_attempt := pawl.next_try(v_attempt, p_message.attempts);
  end if;

  if v_attempt.retry_in is not null then
    update pawl.message
    set attempts = attempts + v_attempt.counts,
        due_at = pawl.now() + v_attempt.retry_in,
        last_error = v_attempt.message
    where message_id = p_message.message_id;
    return true;
  end if;
  delete from pawl.message where message_id = p_message.message_id;
  if v_attempt.outcome <> 'applied' then
    perform pawl.return_message(p_message, v_attempt);
  end if;
  return true;
end
$$;

comment on function pawl.deliver_message is
  'Consume one message and take its transition; what the receiver refuses goes back to the sender';
