-- Lock an instance for an operator and read what all machines' rows share.
-- Locks: the instance.
-- Raises PT403, PT404.
create or replace function pawl.lock_instance(
  p_function text,
  p_machine text,
  p_id text,
  out iid bigint,
  out version int,
  out state text[],
  out status text,
  out seq bigint
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.require_trusted(p_function);
  iid := pawl.route_lock(p_machine, p_id);
  if iid is null then
    perform pawl.raise_not_found(p_machine, p_id);
  end if;
  execute format(
    'select i.version, i.state, i.status, i.seq from %I.instance as i where i.iid = $1',
    (select m.schema_name from pawl.machine as m where m.name = p_machine)
  )
  into version, state, status, seq
  using iid;
end
$$;

comment on function pawl.lock_instance is
  'Lock an instance for an operator and read what all machines'' rows share';
