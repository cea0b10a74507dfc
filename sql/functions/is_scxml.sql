-- Whether a machine is from SCXML.
create or replace function pawl.is_scxml(p_machine text)
returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select from pawl.machine as m
    join pawl.version as v on v.machine = m.name and v.version = m.current_version
    where m.name = p_machine and v.definition_file like '%.scxml'
  )
$$;

comment on function pawl.is_scxml is 'Whether a machine is from SCXML';
