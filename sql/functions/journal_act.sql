-- Journal what an operator did.
create or replace function pawl.journal_act(
  p_machine text,
  p_iid bigint,
  p_version int,
  p_seq bigint,
  p_state text[],
  p_event jsonb
)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into pawl.journal (machine, iid, version, seq, state, event, caller, trusted)
  values (p_machine, p_iid, p_version, p_seq, p_state, p_event, pawl.caller(), true)
$$;

comment on function pawl.journal_act is 'Journal what an operator did';
