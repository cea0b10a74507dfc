-- Count an attempt against its effect's rate; returns when to ask again if the rate is used up.
-- Locks: the counter.
create or replace function pawl.count_attempt(p_effect pawl.outbox, p_policy pawl.effect_policy)
returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := pawl.now();
  v_value text := coalesce(p_effect.input ->> p_policy.rate_by, '');
begin
  if p_policy.rate is null then
    return null;
  end if;
  insert into pawl.effect_rate as r (machine, effect, value, ends_at, started)
  values (p_effect.machine, p_effect.effect, v_value, v_now + p_policy.rate_per, 1)
  on conflict (machine, effect, value) do update
  set started = case when r.ends_at <= v_now then 1 else r.started + 1 end,
      ends_at = case when r.ends_at <= v_now then excluded.ends_at else r.ends_at end
  where r.ends_at <= v_now or r.started < p_policy.rate;
  if found then
    return null;
  end if;
  return (
    select r.ends_at from pawl.effect_rate as r
    where r.machine = p_effect.machine and r.effect = p_effect.effect and r.value = v_value
  );
end
$$;

comment on function pawl.count_attempt is
  'Count an attempt against its effect''s rate; returns when to ask again if the rate is used up';
