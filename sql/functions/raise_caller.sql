-- Say what is wrong with who is calling.
-- Raises PT401 or PT403.
create or replace function pawl.raise_caller(p_error text, p_role text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_detail jsonb := jsonb_build_object('role', p_role, 'session_user', session_user);
begin
  case p_error
    when 'unknown_caller' then
      perform pawl.raise_error(
        'PT403', 'unknown_caller',
        format('role "%s" may not call this database''s machines', p_role), v_detail,
        'Name it with "pawl init --client-role", or make it a member of pawl_admin or pawl_worker.');
    when 'claims_missing' then
      perform pawl.raise_error(
        'PT401', 'claims_missing',
        format('role "%s" comes without claims', p_role), v_detail,
        'Sign in: request.jwt.claims must hold the token''s claims.');
    when 'claims_refused' then
      perform pawl.raise_error(
        'PT401', 'claims_refused',
        format('claims do not count in a session of "%s"', session_user), v_detail,
        'Name the session''s login role with "pawl init --authenticator".');
    when 'malformed_claims' then
      perform pawl.raise_error(
        'PT401', 'malformed_claims',
        'the claims are not a JSON object', v_detail - 'role',
        'request.jwt.claims must hold the token''s payload, such as {"sub": "u-1"}.');
  end case;
end
$$;

comment on function pawl.raise_caller is 'Say what is wrong with who is calling';
