-- The machine that the computed address of an SCXML invoke means: that of a file beside the
-- definition, machine:<name>, or the one that has the name of a file.
-- Raises PT502 if no such machine is deployed.
create or replace function pawl.scxml_machine(p_source text, p_files jsonb)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text := coalesce(
    p_files ->> p_source,
    regexp_replace(p_source, '^machine:|^(file:)?(.*/)?|(\.machine)?\.\w+$', '', 'g')
  );
begin
  if not exists (select from pawl.machine as m where m.name = v_name) then
    raise exception using
      errcode = 'PT502',
      message = format('no machine is deployed for %s', p_source);
  end if;
  return v_name;
end
$$;

comment on function pawl.scxml_machine is
  'The machine that the computed address of an SCXML invoke means';
