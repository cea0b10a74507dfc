-- Change the status or state of a locked instance by hand, and journal it; returns the instance.
-- Null leaves status or state as it is; p_void ends its timers and invokes. Those of a new state begin,
-- unless it is a final one.
create or replace function pawl.change_instance(
  p_machine text,
  p_id text,
  p_event jsonb,
  p_status text,
  p_state text[],
  p_void boolean
)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_iid bigint;
  v_version int;
  v_seq bigint;
  v_state text[];
begin
  execute format(
    $sql$
    update %I.instance as i
    set seq = i.seq + 1,
        updated_at = pawl.now(),
        status = coalesce($2, i.status),
        state = coalesce($3, i.state),
        timers = case when $4 then '{}' else i.timers end,
        invokes = case when $4 then '{}' else i.invokes end
    where i.id = $1
    returning i.iid, i.version, i.seq, i.state
    $sql$,
    (select m.schema_name from pawl.machine as m where m.name = p_machine)
  )
  into v_iid, v_version, v_seq, v_state
  using p_id, p_status, p_state, p_void;
  if p_void then
    perform pawl.stop_children(p_machine, v_iid, p_id, '{}');
    if p_state is not null and p_status is null then
      perform pawl.begin_state(p_machine, v_iid);
    end if;
  end if;
  if p_status in ('stopped', 'failed') then
    perform pawl.tell_parent(p_machine, v_iid, p_id, 'error', jsonb_build_object(
      'code', p_status, 'message', format('%s "%s" was %s', p_machine, p_id, p_status)));
  end if;
  perform pawl.journal_act(p_machine, v_iid, v_version, v_seq, v_state, p_event);
  return pawl.route_reply(p_machine, p_id);
end
$$;

comment on function pawl.change_instance is
  'Change the status or state of a locked instance by hand, and journal it; returns the instance';
