-- Try again what was given up, with all its attempts before it: an effect is performed (if its
-- state was left since, it ends as void), the event of a stored result, a timer or a message is sent.
-- Locks: the dead letter, which goes. Raises PT403, PT404 (also if its effect was swept).
create or replace function pawl.retry_dead(p_dead_id bigint)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_dead pawl.dead_letter;
begin
  perform pawl.require_trusted('retry_dead');
  delete from pawl.dead_letter where dead_id = p_dead_id returning * into v_dead;
  if not found then
    perform pawl.raise_unknown_dead_letter(p_dead_id);
  end if;
  case v_dead.kind
    when 'effect' then
      insert into pawl.lease (effect_id, token, until, attempt, effect)
      select o.effect_id, nextval('pawl.lease_token'), pawl.now(), 0, o.effect
      from pawl.outbox as o where o.effect_id = v_dead.effect_id;
      if not found then
        perform pawl.raise_unknown_effect(v_dead.effect_id);
      end if;
      delete from pawl.effect_result where effect_id = v_dead.effect_id;
    when 'result' then
      update pawl.effect_result
      set apply_due = pawl.now(), apply_attempts = 0
      where effect_id = v_dead.effect_id;
    when 'message' then
      insert into pawl.message
        (sender_machine, sender_iid, sender_id, sender_seq, due_at, kin, machine, id, source,
          source_seq, invoke_id, event)
      select m.sender_machine, m.sender_iid, m.sender_id, m.sender_seq, pawl.now(), m.kin,
        m.machine, m.id, m.source, m.source_seq, m.invoke_id, v_dead.event
      from jsonb_populate_record(null::pawl.message, v_dead.message) as m;
    else
      insert into pawl.timer (machine, iid, name, seq, due_at, event)
      values (v_dead.machine, v_dead.iid, v_dead.name, v_dead.seq, pawl.now(),
        case when v_dead.event <> jsonb_build_object('type', v_dead.name) then v_dead.event end);
  end case;
  perform pawl.journal_queue_act(v_dead.machine, v_dead.iid, jsonb_build_object(
    'type', 'pawl.retry_dead', 'kind', v_dead.kind, 'name', v_dead.name));
  perform pawl.ring();
end
$$;

comment on function pawl.retry_dead is
  'Try again what was given up, with all its attempts before it';
