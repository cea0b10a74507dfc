-- Say that a worker has ended. Its leases run out by themselves, if it did not release them.
create or replace function pawl.worker_gone(p_worker text)
returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
  delete from pawl.worker where name = p_worker
$$;

comment on function pawl.worker_gone is 'Say that a worker has ended';
