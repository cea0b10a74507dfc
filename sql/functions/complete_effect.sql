-- Store the output of an effect and send its done event, which is retried apart if it fails.
-- Returns applied (also when nobody waits), void (its state was left: the result is dropped) or
-- failed (the event is sent again later; the handler never runs again for it).
-- Locks: the lease, then the instance. Raises PT409 when the token is stale.
create or replace function pawl.complete_effect(
  p_effect_id bigint,
  p_token bigint,
  p_output jsonb default null
)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.hold_lease(p_effect_id, p_token);
  perform pawl.check_size('the output', p_output);
  return pawl.settle_effect(p_effect_id, 'done', p_output);
end
$$;

comment on function pawl.complete_effect is
  'Store the output of an effect and send its done event, which is retried apart if it fails';
