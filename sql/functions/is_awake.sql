-- Whether this session has said so by stay_awake().
create or replace function pawl.is_awake()
returns boolean
language sql
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select from pg_locks as l
    where l.locktype = 'advisory' and l.pid = pg_backend_pid() and l.mode = 'ShareLock'
      and l.classid = pawl.lock_space()::oid and l.objid = 2 and l.objsubid = 2
  )
$$;

comment on function pawl.is_awake is 'Whether this session has said so by stay_awake()';
