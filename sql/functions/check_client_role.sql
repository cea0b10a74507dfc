-- Refuse a role that must not be a client role.
-- Raises PT400.
create or replace function pawl.check_client_role(p_role name)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_role pg_roles;
begin
  select * into v_role from pg_roles where rolname = p_role;
  if not found then
    perform pawl.raise_bad_role(p_role, 'does not exist', 'Create it first: create role … nologin.');
  elsif v_role.rolcanlogin then
    perform pawl.raise_bad_role(
      p_role, 'can log in',
      'Claims come with a session: make it nologin and let an authenticator switch to it.');
  elsif v_role.rolsuper or v_role.rolbypassrls then
    perform pawl.raise_bad_role(
      p_role, 'skips row security', 'Give end users a role that is neither superuser nor bypassrls.');
  elsif pawl.is_trusted(p_role::text) then
    perform pawl.raise_bad_role(
      p_role, 'is trusted', 'Revoke pawl_owner, pawl_admin and pawl_worker from it.');
  end if;
end
$$;

comment on function pawl.check_client_role is 'Refuse a role that must not be a client role';
