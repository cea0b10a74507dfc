-- Refuse a missing argument.
-- Raises PT400.
create or replace function pawl.raise_null_argument(p_argument text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT400',
    'null_argument',
    format('argument "%s" is null', p_argument),
    jsonb_build_object('argument', p_argument),
    'Give it a value.'
  );
end
$$;

comment on function pawl.raise_null_argument is 'Refuse a missing argument';
