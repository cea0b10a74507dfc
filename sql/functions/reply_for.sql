-- The reply that an event_id had; null if it is new.
-- Raises PT400 for what is no event_id, PT409 if it came with another event.
create or replace function pawl.reply_for(
  p_machine text,
  p_iid bigint,
  p_event_id text,
  p_event jsonb,
  p_id text
)
returns jsonb
language plpgsql
as $$
declare
  v_key record;
begin
  if octet_length(p_event_id) not between 1 and 255 then
    perform pawl.raise_malformed_event_id(p_machine, p_id, p_event_id);
  end if;
  select k.event, k.reply into v_key
  from pawl.event_key as k
  where k.machine = p_machine and k.iid = p_iid and k.event_id = p_event_id;
  if found and v_key.event <> p_event then
    perform pawl.raise_event_id_reused(p_machine, p_id, p_event_id);
  end if;
  return v_key.reply;
end
$$;

comment on function pawl.reply_for is 'The reply that an event_id had; null if it is new';
