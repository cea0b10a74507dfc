-- Wake the workers that sleep. One that leaves work behind calls it, once.
create or replace function pawl.ring()
returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
  select pg_notify('pawl', '')
$$;

comment on function pawl.ring is 'Wake the workers that sleep';
