-- claims() for a read rule: once a statement, asked in the name of a client, who has no right to it.
-- Raises what claims() raises.
create or replace function pawl.reading_claims()
returns jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$ select pawl.claims() $$;

comment on function pawl.reading_claims is
  'claims() for a read rule: once a statement, asked in the name of a client, who has no right to it';
