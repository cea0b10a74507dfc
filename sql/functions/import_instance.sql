-- Let an existing row of an application enter in a given state, with its data.
-- No entry action runs; the timers and invokes of the state begin, as of now.
-- Locks: the new row. Raises PT400, PT403, PT404, PT409 (it exists), PT422.
create or replace function :"api_schema".import_instance(
  machine text,
  id text,
  version int,
  state text[],
  context jsonb
)
returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.require_trusted('import_instance');
  if context is null then
    perform pawl.raise_null_argument('context');
  end if;
  perform pawl.check_new(machine, id, context);
  perform pawl.check_version(machine, coalesce(version, 0));
  return pawl.insert_instance(
    machine, id, version, state, pawl.check_state(machine, version, state), context);
end
$$;

comment on function :"api_schema".import_instance is
  'Let an existing row of an application enter in a given state, with its data';
