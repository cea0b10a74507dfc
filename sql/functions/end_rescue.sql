-- Take the flag of a failed migration off an instance, and journal it; returns what the flag said.
-- Locks: the instance. Raises PT400, PT403, PT404, PT409 (it has no flag).
create or replace function pawl.end_rescue(p_machine text, p_id text, p_reason text)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_instance record := pawl.lock_instance('end_rescue', p_machine, p_id);
  v_schema text := m.schema_name from pawl.machine as m where m.name = p_machine;
  v_failure text;
begin
  if p_reason is null or p_reason = '' then
    perform pawl.raise_null_argument('p_reason');
  end if;
  execute format('select i.needs_rescue from %I.instance as i where i.iid = $1', v_schema)
    into v_failure
    using v_instance.iid;
  if v_failure is null then
    perform pawl.raise_no_rescue(p_machine, p_id);
  end if;
  execute format(
    $sql$
    update %I.instance as i
    set needs_rescue = null,
        seq = i.seq + 1,
        updated_at = pawl.now()
    where i.iid = $1
    $sql$,
    v_schema
  )
  using v_instance.iid;
  perform pawl.journal_act(
    p_machine, v_instance.iid, v_instance.version, v_instance.seq + 1, v_instance.state,
    jsonb_build_object('type', 'pawl.rescue', 'failure', v_failure, 'reason', p_reason));
  return v_failure;
end
$$;

comment on function pawl.end_rescue is
  'Take the flag of a failed migration off an instance, and journal it; returns what the flag said';
