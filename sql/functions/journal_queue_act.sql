-- Journal what an operator did to an effect, result or timer of an instance, at the instance's
-- state and seq, which it does not change by itself.
create or replace function pawl.journal_queue_act(p_machine text, p_iid bigint, p_event jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_version int;
  v_seq bigint;
  v_state text[];
begin
  execute format(
    'select i.version, i.seq, i.state from %I.instance as i where i.iid = $1',
    (select m.schema_name from pawl.machine as m where m.name = p_machine)
  )
  into v_version, v_seq, v_state
  using p_iid;
  perform pawl.journal_act(p_machine, p_iid, v_version, v_seq, v_state, p_event);
end
$$;

comment on function pawl.journal_queue_act is
  'Journal what an operator did to an effect, result or timer of an instance';
