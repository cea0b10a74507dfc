-- Refuse a migration that no deployed version defines.
-- Raises PT404.
create or replace function pawl.raise_no_migration(p_machine text, p_from int, p_to int)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT404',
    'no_migration',
    format('machine "%s" has no migration from version %s to version %s', p_machine, p_from, p_to),
    jsonb_build_object('machine', p_machine, 'from', p_from, 'to', p_to),
    case
      when p_from < p_to
        then format('Version %s needs "migrate: { %s: … }" in its definition.', p_to, p_from)
      else format('Version %s needs "migrate: { %s: { back: … } }" in its definition.', p_from, p_to)
    end
  );
end
$$;

comment on function pawl.raise_no_migration is
  'Refuse a migration that no deployed version defines';
