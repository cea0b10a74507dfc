-- Refuse to hurry an effect that a worker performs.
-- Raises PT409.
create or replace function pawl.raise_effect_running(p_effect_id bigint, p_worker text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT409',
    'effect_running',
    format('effect %s is being performed by "%s"', p_effect_id, p_worker),
    jsonb_build_object('effect_id', p_effect_id, 'worker', p_worker),
    'Wait for it, or end it with pawl.cancel_effect() or pawl.complete_by_hand().'
  );
end
$$;

comment on function pawl.raise_effect_running is 'Refuse to hurry an effect that a worker performs';
