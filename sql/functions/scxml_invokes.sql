-- Refuse a type of invoke that is not SCXML's own.
-- Raises 22023.
create or replace function pawl.scxml_invokes(p_type text)
returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_type not in (
    '',
    'scxml',
    'http://www.w3.org/TR/scxml',
    'http://www.w3.org/TR/scxml/'
  ) then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = format('nothing of the type %s can be invoked', p_type);
  end if;
end
$$;

comment on function pawl.scxml_invokes is 'Refuse a type of invoke that is not SCXML''s own';
