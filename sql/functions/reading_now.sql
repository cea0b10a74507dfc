-- now() for a read rule: once a statement, asked in the name of a client, who has no right to it.
create or replace function pawl.reading_now()
returns timestamptz
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$ select pawl.now() $$;

comment on function pawl.reading_now is
  'now() for a read rule: once a statement, asked in the name of a client, who has no right to it';
