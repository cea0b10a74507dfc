-- Say that there is no such message, or none any more.
-- Raises PT404.
create or replace function pawl.raise_unknown_message(p_message_id bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT404',
    'unknown_message',
    format('there is no message %s on its way', p_message_id),
    jsonb_build_object('message_id', p_message_id),
    'It has arrived, or was returned to its sender, or is in pawl.dead_letter.'
  );
end
$$;

comment on function pawl.raise_unknown_message is
  'Say that there is no such message, or none any more';
