-- Whether a role has the rights of pawl_worker, and so of a trusted caller.
-- USAGE, not MEMBER: an authenticator that may switch to a trusted role is not one before it does.
create or replace function pawl.is_trusted(p_role text)
returns boolean
language sql stable
as $$
  select pg_catalog.pg_has_role(p_role, 'pawl_worker', 'USAGE')
$$;

comment on function pawl.is_trusted is
  'Whether a role has the rights of pawl_worker, and so of a trusted caller';
