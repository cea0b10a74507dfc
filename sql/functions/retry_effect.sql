-- Make the next attempt of an effect now, without waiting for its backoff. Its limits are asked
-- all the same.
-- Locks: its outbox row, then its lease. Raises PT403, PT404, PT409.
create or replace function pawl.retry_effect(p_effect_id bigint)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_effect pawl.outbox := pawl.take_over_effect('retry_effect', p_effect_id);
begin
  perform pawl.raise_effect_running(l.effect_id, l.worker)
  from pawl.lease as l
  where l.effect_id = p_effect_id and l.worker is not null and l.until > pawl.now();
  update pawl.lease set until = least(until, pawl.now()) where effect_id = p_effect_id;
  perform pawl.journal_queue_act(v_effect.machine, v_effect.iid,
    jsonb_build_object('type', 'pawl.retry_effect', 'effect_id', p_effect_id));
  perform pawl.ring();
end
$$;

comment on function pawl.retry_effect is
  'Make the next attempt of an effect now, without waiting for its backoff';
