-- Whether client roles may see every field of a machine's context.
create or replace function pawl.all_is_public(p_machine text)
returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select not exists (
    select
    from pawl.machine as m
    join pg_attribute as a
      on a.attrelid = to_regclass(quote_ident(m.schema_name) || '.instance')
    where m.name = p_machine
      and a.attnum > 0
      and not a.attisdropped
      and a.attname <> all (array['timers', 'invokes', 'history', 'needs_rescue'])
      and not has_column_privilege('pawl_client', a.attrelid, a.attnum, 'select')
  )
$$;

comment on function pawl.all_is_public is
  'Whether client roles may see every field of a machine''s context';
