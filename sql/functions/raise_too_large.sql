-- Refuse what is too large to keep.
-- Raises PT413.
create or replace function pawl.raise_too_large(p_what text, p_bytes bigint, p_most bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT413',
    'too_large',
    format('%s takes %s bytes, more than %s', p_what, p_bytes, p_most),
    jsonb_build_object('what', p_what, 'bytes', p_bytes, 'most', p_most),
    'Keep large data elsewhere and send a reference to it.'
  );
end
$$;

comment on function pawl.raise_too_large is 'Refuse what is too large to keep';
