-- Have a message delivered now, without waiting for its backoff. Those that its sender sent to the
-- same receiver before go first all the same.
-- Locks: the message. Raises PT403, PT404.
create or replace function pawl.retry_message(p_message_id bigint)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_message pawl.message;
begin
  perform pawl.require_trusted('retry_message');
  update pawl.message
  set due_at = least(due_at, pawl.now())
  where message_id = p_message_id
  returning * into v_message;
  if not found then
    perform pawl.raise_unknown_message(p_message_id);
  end if;
  perform pawl.journal_queue_act(v_message.sender_machine, v_message.sender_iid,
    jsonb_build_object('type', 'pawl.retry_message', 'message_id', p_message_id));
  perform pawl.ring();
end
$$;

comment on function pawl.retry_message is
  'Have a message delivered now, without waiting for its backoff';
