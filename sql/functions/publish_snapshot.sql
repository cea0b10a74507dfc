-- An effect goes on, and its handler tells the instance how far it is: the event
-- snapshot.invoke.<id>, for an `onSnapshot`. The effect must be held under p_token.
-- Returns applied, void (its state was left, or it is no invoke) or failed (the transition raised:
-- nothing of it is stored, and it is not tried again).
-- Locks: the lease, then the instance. Raises PT409 when the token is stale, PT413.
create or replace function pawl.publish_snapshot(
  p_effect_id bigint,
  p_token bigint,
  p_snapshot jsonb
)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_effect pawl.outbox;
  v_attempt pawl.attempt;
begin
  perform pawl.hold_lease(p_effect_id, p_token);
  perform pawl.check_size('the snapshot', p_snapshot);
  select * into v_effect from pawl.outbox where effect_id = p_effect_id;
  if v_effect.invoke_id is null then
    return 'void';
  end if;
  v_attempt := pawl.try_event(
    v_effect.machine, v_effect.iid, v_effect.invoke_id, v_effect.seq,
    jsonb_build_object(
      'type', 'snapshot.invoke.' || v_effect.invoke_id, 'snapshot', p_snapshot));
  return v_attempt.outcome;
end
$$;

comment on function pawl.publish_snapshot is
  'An effect goes on, and its handler tells the instance how far it is';
