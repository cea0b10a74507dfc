-- Refuse everybody but a trusted caller who did not set claims.
-- Raises PT403, and what claims() raises.
create or replace function pawl.require_trusted(p_function text)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if pawl.claims() is not null then
    perform pawl.raise_error(
      'PT403',
      'trusted_only',
      format('only a trusted caller may call "%s"', p_function),
      jsonb_build_object('function', p_function, 'role', pawl.caller()),
      'Call it as a member of pawl_admin, without request.jwt.claims.'
    );
  end if;
end
$$;

comment on function pawl.require_trusted is
  'Refuse everybody but a trusted caller who did not set claims';
