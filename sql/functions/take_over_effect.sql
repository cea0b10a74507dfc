-- Keep workers off an effect that is not over, for an operator.
-- Locks: its outbox row, then its lease. Raises PT403, PT404, PT409.
create or replace function pawl.take_over_effect(p_function text, p_effect_id bigint)
returns pawl.outbox
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_effect pawl.outbox;
begin
  perform pawl.require_trusted(p_function);
  select * into v_effect from pawl.outbox where effect_id = p_effect_id for update;
  if not found then
    perform pawl.raise_unknown_effect(p_effect_id);
  end if;
  perform from pawl.lease where effect_id = p_effect_id for update;
  perform pawl.raise_effect_ended(r.effect_id, r.outcome)
  from pawl.effect_result as r where r.effect_id = p_effect_id;
  return v_effect;
end
$$;

comment on function pawl.take_over_effect is
  'Keep workers off an effect that is not over, for an operator';
