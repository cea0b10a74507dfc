-- Say that there is no such effect.
-- Raises PT404.
create or replace function pawl.raise_unknown_effect(p_effect_id bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT404',
    'unknown_effect',
    format('there is no effect %s', p_effect_id),
    jsonb_build_object('effect_id', p_effect_id),
    'pawl.effect_status lists the effects; those that ended are kept for 14 days.'
  );
end
$$;

comment on function pawl.raise_unknown_effect is 'Say that there is no such effect';
