-- Lock those of some instances that run or are paused in a version: whoever chose them by their rows
-- asks again then, with his own rights, and calls `migrate_instances` in the same transaction.
-- Locks: the instances, in the order of iid. Raises PT403, PT404.
create or replace function pawl.lock_running(p_machine text, p_version int, p_iids bigint[])
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.require_trusted('lock_running');
  perform pawl.check_version(p_machine, p_version);
  execute format(
    $sql$
    select from %I.instance as i
    where i.iid = any ($2) and i.version = $1 and i.status in ('running', 'paused')
    order by i.iid
    for update
    $sql$,
    (select m.schema_name from pawl.machine as m where m.name = p_machine)
  )
  using p_version, p_iids;
end
$$;

comment on function pawl.lock_running is
  'Lock those of some instances that run or are paused in a version, to ask their rows again';
