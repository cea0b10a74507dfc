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
  p_rescue boolean default false
)
returns setof pawl.migrated
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_function text := format('v%s_migrate_batch_from_%s', p_to, p_from);
  v_schema text;
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
  return query execute format('select * from %I.%I($1, $2, $3, $4, $5, $6)', v_schema, v_function)
    using p_limit, p_after, not p_dry_run, p_id, p_fraction, p_rescue;
end
$$;

comment on function pawl.migrate_instances is
  'Migrate the next running or paused instances of a version, or tell what would become of them';
