-- Insert an instance as given and journal it; fields that p_context leaves out take their default.
-- The timers and invokes of its state begin, unless p_begin says no.
-- Locks: the new row.
-- Raises PT400 (a field that the machine lacks, or its value), PT409 (it exists), PT422.
create or replace function pawl.insert_instance(
  p_machine text,
  p_id text,
  p_version int,
  p_state text[],
  p_status text,
  p_context jsonb,
  p_begin boolean default true
)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_schema text := schema_name from pawl.machine where name = p_machine;
  v_context jsonb := pawl.in_columns(p_machine, p_version, p_context);
  v_fields text := pawl.context_columns(p_machine, p_id, v_context);
  v_iid bigint;
  v_message text;
  v_constraint text;
begin
  begin
    execute format(
      $sql$
      insert into %1$I.instance
        (id, version, state, status, seq, created_at, updated_at, timers, invokes, history%2$s)
      select $1, $2, $3, $5, 1, pawl.now(), pawl.now(), '{}', '{}', '{}'%2$s
      from jsonb_populate_record(null::%1$I.instance, $4)
      returning iid
      $sql$,
      v_schema, v_fields
    )
    into v_iid
    using p_id, p_version, p_state, v_context, p_status;
  exception
    when data_exception then
      perform pawl.raise_malformed_input(p_machine, p_id, sqlerrm);
    when integrity_constraint_violation then
      get stacked diagnostics
        v_message = message_text,
        v_constraint = constraint_name;
      if sqlstate = '23505' and pawl.route_iid(p_machine, p_id) is not null then
        perform pawl.raise_exists(p_machine, p_id);
      end if;
      perform pawl.raise_violation(
        sqlstate, v_message, v_constraint, jsonb_build_object('machine', p_machine, 'id', p_id));
  end;
  if p_begin and p_status = 'running' then
    perform pawl.begin_state(p_machine, v_iid);
  end if;
  perform pawl.journal_act(p_machine, v_iid, p_version, 1, p_state, '{"type": "pawl.import"}');
  return pawl.route_reply(p_machine, p_id);
end
$$;

comment on function pawl.insert_instance is
  'Insert an instance as given and journal it; fields that p_context leaves out take their default';
