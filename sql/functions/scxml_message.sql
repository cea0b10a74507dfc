-- An event of SCXML for another session, as post_messages sends it.
-- Undeliverable, it comes back as error.communication: so it always has a send_id.
create or replace function pawl.scxml_message(p_target text, p_event jsonb)
returns pawl.message_command
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select row(
    case when p_target like '#\_scxml\_%' then split_part(substr(p_target, 9), '/', 1) end,
    case when p_target like '#\_scxml\_%' then substr(p_target, strpos(p_target, '/') + 1) end,
    p_event,
    coalesce(p_event #>> '{_event,sendid}', ''),
    false,
    case when p_target not like '#\_scxml\_%' and p_target <> '#_parent' then substr(p_target, 3) end
  )::pawl.message_command
$$;

comment on function pawl.scxml_message is
  'An event of SCXML for another session, as post_messages sends it';
