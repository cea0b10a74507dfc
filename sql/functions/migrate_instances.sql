-- Migrate the next running or paused instances of a version, or with p_dry_run tell what would be.
-- One that fails stays as it is, its row says why in needs_rescue, and it is passed over until
-- p_rescue. Each has a subtransaction: more than 60 in one call slow the whole server down.
-- Locks: the instances, in the order of iid. Raises PT403, PT404.
create or replace function pawl.migrate_instances(
  p_machine text,
  p_from int,
  p_to int,
  p_limit int default 50,
  p_after bigint default 0,
  p_dry_run boolean default false,
  p_id text default null,
  p_fraction double precision default 1,
  p_rescue boolean default false,
  p_iids bigint[] default null
)
returns setof pawl.migrated
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_function text := format('v%s_migrate_batch_from_%s', p_to, p_from);
  v_schema text;
  v_after bigint := p_after;
  v_batch bigint[];
begin
  perform pawl.require_trusted('migrate_instances');
  perform pawl.check_version(p_machine, p_from);
  perform pawl.check_version(p_machine, p_to);
  select m.schema_name into v_schema from pawl.machine as m where m.name = p_machine;
  if not exists (
    select from pg_proc as p
    where p.pronamespace = v_schema::regnamespace and p.proname = v_function
  ) then
    perform pawl.raise_no_migration(p_machine, p_from, p_to);
  end if;

  -- Between the look and the lock somebody else may have moved them all; then the next are ours.
  loop
    execute format(
      $sql$
      select array_agg(n.iid), max(n.iid)
      from (
        select i.iid
        from %I.instance as i
        where i.version = $1
          and i.iid > $2
          and i.status in ('running', 'paused')
          and ($3 is null or i.id = $3)
          and ($4 or i.needs_rescue is null)
          and (hashtextextended(i.id, 0) & 65535) < $5 * 65536
          and ($6 is null or i.iid = any ($6))
        order by i.iid
        limit $7
      ) as n
      $sql$,
      v_schema
    )
    into v_batch, v_after
    using p_from, v_after, p_id, p_rescue, p_fraction, p_iids, p_limit;
    exit when v_batch is null;
    return query execute format('select * from %I.%I($1, $2)', v_schema, v_function)
      using v_batch, not p_dry_run;
    exit when found;
  end loop;
end
$$;

comment on function pawl.migrate_instances is
  'Migrate the next running or paused instances of a version, or tell what would become of them';
