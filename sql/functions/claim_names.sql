-- Claims that arrive one by one in jwt.claims.*, as a constant that pawl.write_roles() writes.
create or replace function pawl.claim_names()
returns text[]
language sql immutable
as $$ select '{}'::text[] $$;

comment on function pawl.claim_names is
  'Claims that arrive one by one in jwt.claims.*, as a constant that pawl.write_roles() writes';
