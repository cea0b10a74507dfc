-- claims() for a read rule: once a statement, asked in the name of a client, who has no right to it.
-- Raises what claims() raises.
create or replace function pawl.reading_claims()
returns jsonb
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return pawl.quick_claims();
exception
  when data_exception or statement_too_complex then
    return pawl.claims(); -- says what is wrong with them
end
$$;

comment on function pawl.reading_claims is
  'claims() for a read rule: once a statement, asked in the name of a client, who has no right to it';
