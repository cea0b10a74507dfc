-- The role that asks: the one set, else the session's; for claims() and the journal.
create or replace function pawl.caller()
returns text
language sql stable
as $$
  select coalesce(
    nullif(pg_catalog.current_setting('role', true), 'none'),
    session_user::text
  )
$$;

comment on function pawl.caller is
  'The role that asks: the one set, else the session''s; for claims() and the journal';
