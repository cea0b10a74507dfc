-- claims() for the usual caller, a client role behind an authenticator: inlined, it costs half.
-- Whoever and whatever is not usual goes to claims(). Malformed claims raise a data_exception, on
-- which pawl.rethrow() asks claims() again.
create or replace function pawl.quick_claims()
returns jsonb
language sql stable
as $$
  select case
    when pg_catalog.current_setting('role', true) = any (pawl.client_roles())
      and session_user::text = any (pawl.authenticators())
      and pg_catalog.current_setting('request.jwt.claims', true) like '{%'
    then pg_catalog.current_setting('request.jwt.claims', true)::jsonb
    else pawl.claims()
  end
$$;

comment on function pawl.quick_claims is
  'claims() for the usual caller, a client role behind an authenticator: inlined, it costs half';
