-- Tell what would become of instances that go through several versions, as array[1, 2, 3] says:
-- the functions of all steps run one on the other's row, and nothing is written or locked.
-- Timers and effects are those that begin on the way. Raises PT403, PT404.
create or replace function pawl.preview_migration(
  p_machine text,
  p_path int[],
  p_iids bigint[]
)
returns setof pawl.migrated
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_schema text;
  v_steps text := '';
  v_timers text := '0';
  v_effects text := '0';
  v_query text;
  v_iid bigint;
  v_done pawl.migrated;
  v_context text;
begin
  perform pawl.require_trusted('preview_migration');
  perform pawl.check_version(p_machine, p_path[1]);
  if cardinality(p_path) = 1 then
    perform pawl.raise_no_migration(p_machine, p_path[1], p_path[1]);
  end if;
  select m.schema_name into v_schema from pawl.machine as m where m.name = p_machine;
  for v_place in 2 .. cardinality(p_path) loop
    perform pawl.check_version(p_machine, p_path[v_place]);
    if not exists (
      select from pg_proc as p
      where p.pronamespace = v_schema::regnamespace
        and p.proname = format('v%s_migrate_from_%s', p_path[v_place], p_path[v_place - 1])
    ) then
      perform pawl.raise_no_migration(p_machine, p_path[v_place - 1], p_path[v_place]);
    end if;
    v_steps := v_steps || format(
      ' cross join lateral %I.v%s_migrate_from_%s(%s, pawl.now()) as s%s',
      v_schema, p_path[v_place], p_path[v_place - 1],
      case when v_place = 2 then 'i' else format('s%s.p_instance', v_place - 1) end, v_place);
    v_timers := v_timers || format(' + coalesce(cardinality(s%s.p_timers), 0)', v_place);
    v_effects := v_effects || format(' + coalesce(cardinality(s%s.p_effects), 0)', v_place);
  end loop;
  v_query := format(
    'select (s%s.p_instance).state, %s, %s'
    ' from %I.instance as i%s where i.iid = $1',
    cardinality(p_path), v_timers, v_effects, v_schema, v_steps);

  foreach v_iid in array p_iids loop
    execute format('select i.iid, i.id, i.state from %I.instance as i where i.iid = $1', v_schema)
      into v_done.iid, v_done.id, v_done.before using v_iid;
    continue when v_done.iid is null;
    begin
      execute v_query into v_done.after, v_done.timers, v_done.effects using v_iid;
      v_done.reason := null;
    exception
      when serialization_failure or deadlock_detected or query_canceled then
        raise;
      when others then
        get stacked diagnostics v_context = pg_exception_context;
        v_done.after := null;
        v_done.timers := 0;
        v_done.effects := 0;
        v_done.reason := pawl.with_source(sqlerrm, v_context);
    end;
    return next v_done;
  end loop;
end
$$;

comment on function pawl.preview_migration is
  'Tell what would become of instances that go through several versions';
