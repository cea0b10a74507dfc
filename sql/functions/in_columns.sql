-- A context by the columns that keep its fields in a version, where those have other names.
create or replace function pawl.in_columns(p_machine text, p_version int, p_context jsonb)
returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_object_agg(coalesce(v.columns ->> c.key, c.key), c.value), '{}')
  from pawl.version as v, jsonb_each(p_context) as c
  where v.machine = p_machine and v.version = p_version
$$;

comment on function pawl.in_columns is
  'A context by the columns that keep its fields in a version, where those have other names';
