-- Refuse what cannot tell one event from another: an empty event_id, or one too long for an index.
-- Raises PT400.
create or replace function pawl.raise_malformed_event_id(
  p_machine text,
  p_id text,
  p_event_id text
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT400',
    'malformed_event_id',
    format('an event_id takes 1 to 255 bytes, not %s', octet_length(p_event_id)),
    jsonb_build_object('machine', p_machine, 'id', p_id, 'event_id', left(p_event_id, 300),
      'bytes', octet_length(p_event_id)),
    'Give each event an event_id of its own, such as a UUID, or none.'
  );
end
$$;

comment on function pawl.raise_malformed_event_id is
  'Refuse what cannot tell one event from another: an empty event_id, or one too long for an index';
