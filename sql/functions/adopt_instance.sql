-- Let a row of an application enter in a given state under its id, as import_instance does; without
-- p_begin the timers and invokes of that state do not begin. Returns its iid.
-- Locks: the new row. Raises PT400, PT403, PT404, PT409 (it exists), PT422.
create or replace function pawl.adopt_instance(
  p_machine text,
  p_id text,
  p_version int,
  p_state text[],
  p_context jsonb,
  p_begin boolean default true
)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.require_trusted('adopt_instance');
  perform pawl.check_new(p_machine, p_id, p_context);
  perform pawl.check_version(p_machine, p_version);
  perform pawl.insert_instance(
    p_machine, p_id, p_version, p_state, pawl.check_state(p_machine, p_version, p_state), p_context,
    p_begin);
  return pawl.route_iid(p_machine, p_id);
end
$$;

comment on function pawl.adopt_instance is
  'Let a row of an application enter in a given state under its id, as import_instance does';
