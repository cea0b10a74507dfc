-- The caller's claims; null for a trusted caller who set none, whom authorizers need not ask.
-- A client never asks the catalog: both lists are constants (see pawl.write_roles).
-- Raises PT401 (no claims, malformed, or a session that may not set them), PT403 (nobody we know).
create or replace function pawl.claims()
returns jsonb
language plpgsql stable
as $$
declare
  v_role text := pg_catalog.current_setting('role', true);
  v_text text := pg_catalog.current_setting('request.jwt.claims', true);
  v_claims jsonb;
begin
  if pawl.claim_names() <> '{}'::text[] and coalesce(v_text, '') = '' then
    v_text := pawl.single_claims();
  end if;

  if v_role <> all (pawl.client_roles()) then
    v_role := pawl.caller(); -- it is "none" unless somebody switched role
    if not pawl.is_trusted(v_role) then
      perform pawl.raise_caller('unknown_caller', v_role);
    elsif coalesce(v_text, '') = '' then
      return null;
    end if;
  elsif coalesce(v_text, '') = '' then
    perform pawl.raise_caller('claims_missing', v_role);
  end if;
  if session_user::text <> all (pawl.authenticators())
    and not pawl.is_trusted(session_user::text)
  then
    perform pawl.raise_caller('claims_refused', v_role);
  end if;

  begin
    v_claims := v_text::jsonb;
  exception
    when data_exception or statement_too_complex then
      perform pawl.raise_caller('malformed_claims', null);
  end;
  if jsonb_typeof(v_claims) <> 'object' then
    perform pawl.raise_caller('malformed_claims', null);
  end if;
  return v_claims;
end
$$;

comment on function pawl.claims is
  'The caller''s claims; null for a trusted caller who set none, whom authorizers need not ask';
