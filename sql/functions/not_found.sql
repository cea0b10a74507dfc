-- What an expression has instead of an instance that is not there: it never returns.
-- Raises PT401, PT403, PT404.
create or replace function pawl.not_found(p_machine text, p_id text)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.claims();
  perform pawl.raise_not_found(p_machine, p_id);
  return null;
end
$$;

comment on function pawl.not_found is
  'What an expression has instead of an instance that is not there: it never returns';
