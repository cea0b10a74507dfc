-- Refuse what is not a name for an instance.
-- Raises PT400.
create or replace function pawl.raise_malformed_id(p_machine text, p_id text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT400',
    'malformed_id',
    format('an id takes 1 to 255 bytes, not %s', octet_length(p_id)),
    jsonb_build_object('machine', p_machine, 'id', left(p_id, 300), 'bytes', octet_length(p_id)),
    'Name the instance as your application does, such as "o-17".'
  );
end
$$;

comment on function pawl.raise_malformed_id is 'Refuse what is not a name for an instance';
