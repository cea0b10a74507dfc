-- The journal of an instance, oldest first.
-- Raises PT401, PT403, PT404.
create or replace function :"api_schema".history(machine text, id text)
returns table (
  seq bigint,
  at timestamptz,
  version int,
  event jsonb,
  state text[],
  caller text,
  sub text,
  trusted boolean,
  log text[]
)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_iid bigint;
begin
  perform pawl.require_reader(history.machine, history.id);
  v_iid := pawl.route_iid(history.machine, history.id);
  if v_iid is null then
    perform pawl.raise_not_found(history.machine, history.id);
  end if;
  return query
    select j.seq, j.at, j.version, j.event, j.state, j.caller, j.sub, j.trusted, j.log
    from pawl.journal as j
    where j.machine = history.machine and j.iid = v_iid
    order by j.seq, j.at;
end
$$;

comment on function :"api_schema".history is 'The journal of an instance, oldest first';
