-- The roles of end users, as a constant that pawl.write_roles() writes.
create or replace function pawl.client_roles()
returns text[]
language sql immutable
as $$ select '{}'::text[] $$;

comment on function pawl.client_roles is
  'The roles of end users, as a constant that pawl.write_roles() writes';
