-- The login roles whose claims count, as a constant that pawl.write_roles() writes.
create or replace function pawl.authenticators()
returns text[]
language sql immutable
as $$ select '{}'::text[] $$;

comment on function pawl.authenticators is
  'The login roles whose claims count, as a constant that pawl.write_roles() writes';
