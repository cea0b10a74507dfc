-- What stands for an expression of an SCXML document that is wrong: it fails when it is evaluated.
-- Raises 42601 with what is wrong with it.
create or replace function pawl.illegal(p_why text)
returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using errcode = 'syntax_error', message = p_why;
end
$$;

comment on function pawl.illegal is
  'What stands for an expression of an SCXML document that is wrong: it fails when it is evaluated';
