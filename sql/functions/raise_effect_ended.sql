-- Refuse to change an effect that is over.
-- Raises PT409.
create or replace function pawl.raise_effect_ended(p_effect_id bigint, p_outcome text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT409',
    'effect_ended',
    format('effect %s is over: %s', p_effect_id, p_outcome),
    jsonb_build_object('effect_id', p_effect_id, 'outcome', p_outcome),
    'One that failed is in pawl.dead_letter; pawl.retry_dead() performs it again.'
  );
end
$$;

comment on function pawl.raise_effect_ended is 'Refuse to change an effect that is over';
