-- Refuse a version that is not deployed.
-- Raises PT404.
create or replace function pawl.raise_unknown_version(p_machine text, p_version int)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT404',
    'unknown_version',
    format('%s has no version %s', p_machine, p_version),
    jsonb_build_object('machine', p_machine, 'version', p_version),
    'pawl versions lists the versions that are deployed.'
  );
end
$$;

comment on function pawl.raise_unknown_version is 'Refuse a version that is not deployed';
