-- Begin an instance: authorise, then the initial macrostep.
-- Locks: the new row.
-- Raises PT400, PT401, PT403, PT404 (machine, version), PT409 (it exists), PT413, PT422.
create or replace function :"api_schema".create_instance(
  machine text,
  id text,
  input jsonb default '{}',
  version int default null
)
returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.check_new(machine, id, input);
  if version is not null then
    perform pawl.require_trusted('create_instance with a version');
    perform pawl.check_version(machine, version);
  end if;
  return pawl.route_create(machine, id, input, version);
end
$$;

comment on function :"api_schema".create_instance is
  'Begin an instance with its input; returns it. Trusted callers may choose the version';
