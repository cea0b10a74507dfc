-- What the timer of a delayed event of SCXML carries: the event itself, or for another session the
-- command that send_late makes a message of.
create or replace function pawl.scxml_late(p_target text, p_event jsonb, p_session text)
returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_target is null or p_target = p_session then p_event
    else to_jsonb(pawl.scxml_message(p_target, p_event)) - 'atomic' || '{"type": "pawl.send"}'
  end
$$;

comment on function pawl.scxml_late is 'What the timer of a delayed event of SCXML carries';
