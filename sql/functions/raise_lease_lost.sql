-- Refuse a result from a worker that no longer holds the effect.
-- Raises PT409.
create or replace function pawl.raise_lease_lost(p_effect_id bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT409',
    'lease_lost',
    format('the lease on effect %s is lost', p_effect_id),
    jsonb_build_object('effect_id', p_effect_id),
    'Drop the result: the effect was finished, cancelled, or taken over by another worker.'
  );
end
$$;

comment on function pawl.raise_lease_lost is 'Refuse a result from a worker that no longer holds the effect';
