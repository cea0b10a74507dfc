-- Read claims as a JSON object.
-- Raises PT401.
create or replace function pawl.parse_claims(p_claims text)
returns jsonb
language plpgsql immutable
as $$
declare
  v_claims jsonb;
begin
  v_claims := p_claims::jsonb;
  if jsonb_typeof(v_claims) <> 'object' then
    perform pawl.raise_caller('malformed_claims', null);
  end if;
  return v_claims;
exception
  when data_exception or statement_too_complex then
    perform pawl.raise_caller('malformed_claims', null);
    return null;
end
$$;

comment on function pawl.parse_claims is 'Read claims as a JSON object';
