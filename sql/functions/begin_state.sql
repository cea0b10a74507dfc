-- Begin the timers and invokes of the state in which a locked instance was put by hand; it has none.
-- An invoke's input that reads an event is null there; a delay that does is an error. Only a machine
-- that observes children (`onSnapshot`) says of which: p_observed; only one from SCXML that invokes
-- says which sessions are deployed with it: p_family.
-- Raises what the definition's expressions raise.
create or replace function pawl.begin_state(p_machine text, p_iid bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_schema text := schema_name from pawl.machine where name = p_machine;
  v_version int;
  v_id text;
  v_seq bigint;
  v_children text[];
  v_observed jsonb;
  v_family jsonb;
  v_effects pawl.effect_command[];
  v_timers pawl.timer_command[];
  v_command pawl.effect_command;
begin
  execute format('select i.version, i.id, i.seq from %I.instance as i where i.iid = $1', v_schema)
  into v_version, v_id, v_seq
  using p_iid;
  if to_regproc(format('%I.v%s_begin', v_schema, v_version)) is null then
    return; -- no state of this version begins anything
  end if;
  execute format(
    $sql$
    update %1$I.instance as i
    set timers = b.p_live_timers,
        invokes = b.p_live_invokes
    from %1$I.instance as r
    cross join lateral %1$I.v%2$s_begin(r, pawl.now()) as b
    where r.iid = $1 and i.iid = r.iid
    returning b.p_children, to_jsonb(b) -> 'p_observed', to_jsonb(b) -> 'p_family',
      b.p_effects, b.p_timers
    $sql$,
    v_schema, v_version
  )
  into v_children, v_observed, v_family, v_effects, v_timers
  using p_iid;

  insert into pawl.timer (machine, iid, name, seq, due_at, event)
  select p_machine, p_iid, t.name, v_seq, t.due_at, t.event
  from unnest(v_timers) as t;
  foreach v_command in array coalesce(v_effects, array[]::pawl.effect_command[]) loop
    if v_command.invoke_id = any (v_children) then
      perform pawl.start_child(p_machine, p_iid, v_id, v_seq, v_command.invoke_id,
        v_command.effect, v_command.input, coalesce(v_observed ? v_command.invoke_id, false),
        case when v_family ? v_command.invoke_id then v_version end,
        case when v_family is null then 'error' else 'unreachable' end);
    else
      insert into pawl.outbox
        (machine, version, iid, id, seq, effect, invoke_id, input, created_at)
      values (p_machine, v_version, p_iid, v_id, v_seq, v_command.effect, v_command.invoke_id,
        v_command.input, pawl.now());
    end if;
  end loop;
end
$$;

comment on function pawl.begin_state is
  'Begin the timers and invokes of the state in which a locked instance was put by hand';
