-- An event, or an invoke, of an SCXML document that reaches nobody: error.communication.
-- Raises PT502.
create or replace function pawl.unreachable(p_why text)
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using errcode = 'PT502', message = p_why;
end
$$;

comment on function pawl.unreachable is
  'An event, or an invoke, of an SCXML document that reaches nobody: error.communication';
