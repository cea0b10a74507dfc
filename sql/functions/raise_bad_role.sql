-- Refuse a role given to init_roles.
-- Raises PT400.
create or replace function pawl.raise_bad_role(p_role text, p_reason text, p_hint text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT400',
    'bad_role',
    format('role "%s" %s', p_role, p_reason),
    jsonb_build_object('role', p_role, 'reason', p_reason),
    p_hint
  );
end
$$;

comment on function pawl.raise_bad_role is 'Refuse a role given to init_roles';
