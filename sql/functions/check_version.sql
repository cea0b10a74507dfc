-- Refuse a version that is not deployed, or that was collected.
-- Raises PT404.
create or replace function pawl.check_version(p_machine text, p_version int)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (
    select from pawl.version as v
    where v.machine = p_machine and v.version = p_version and v.collected_at is null
  ) then
    if not exists (select from pawl.machine as m where m.name = p_machine) then
      perform pawl.raise_unknown_machine(p_machine);
    end if;
    perform pawl.raise_unknown_version(p_machine, p_version);
  end if;
end
$$;

comment on function pawl.check_version is 'Refuse a version that is not deployed, or that was collected';
