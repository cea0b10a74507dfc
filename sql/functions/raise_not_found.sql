-- Say that the instance is absent, or that the caller may not read it.
-- Raises PT404, PT400 for null.
create or replace function pawl.raise_not_found(p_machine text, p_id text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_id is null then
    perform pawl.raise_null_argument('id');
  end if;
  perform pawl.raise_error(
    'PT404',
    'not_found',
    format('%s "%s" does not exist', p_machine, p_id),
    jsonb_build_object('machine', p_machine, 'id', p_id),
    'Check the id; an instance that you may not read looks absent.'
  );
end
$$;

comment on function pawl.raise_not_found is 'Say that the instance is absent, or that the caller may not read it';
