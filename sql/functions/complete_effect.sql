-- Store the output of an effect and send its done event, which is retried apart if it fails.
-- Returns applied (also when nobody waits), void (its state was left: the result is dropped) or
-- failed (the event is sent again later; the handler never runs again for it).
-- Locks: the lease, then the instance, then what free_slots locks.
-- Raises PT409 when the token is stale, PT413.
create or replace function pawl.complete_effect(
  p_effect_id bigint,
  p_token bigint,
  p_output jsonb default null
)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_lease pawl.lease := pawl.hold_lease(p_effect_id, p_token);
  v_outcome text;
begin
  perform pawl.check_size('the output', p_output);
  v_outcome := pawl.settle_effect(p_effect_id, 'done', p_output);
  perform pawl.free_slots(array[v_lease.slot]);
  return v_outcome;
end
$$;

comment on function pawl.complete_effect is
  'Store the output of an effect and send its done event, which is retried apart if it fails';
