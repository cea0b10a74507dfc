-- Tell the oldest effect that waits for each of these slots that it may ask again.
-- Call it last: whoever ends an effect has its instance, and must not wait for more instances now.
-- What an operator holds who cancels or retries it is passed over: he frees its slot himself.
-- Locks: the key of limits, until the transaction ends; leases, skip locked.
create or replace function pawl.free_slots(p_slots text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if array_remove(p_slots, null) = '{}' then
    return;
  end if;
  perform pg_advisory_xact_lock(pawl.lock_space(), 3);
  with waiting as materialized (
    select w.effect_id
    from unnest(p_slots) as s (slot)
    cross join lateral (
      select distinct l.effect from pawl.lease as l where l.slot = s.slot and l.waits = 'slot'
    ) as e
    cross join lateral (
      select l.effect_id
      from pawl.lease as l
      where l.slot = s.slot and l.effect = e.effect and l.waits = 'slot'
      order by l.effect_id
      limit 1
      for update skip locked
    ) as w
  )
  update pawl.lease as l
  set until = pawl.now(), waits = null
  from waiting as w
  where l.effect_id = w.effect_id;
end
$$;

comment on function pawl.free_slots is
  'Tell the oldest effect that waits for each of these slots that it may ask again';
