-- Tell the oldest effect that waits for each of these slots that it may ask again.
-- Call it last: whoever ends an effect has its instance, and must not wait for more instances now.
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
  update pawl.lease
  set until = pawl.now(), waits = null
  where effect_id in (
    select w.effect_id
    from unnest(p_slots) as s (slot)
    cross join lateral (
      select l.effect_id, row_number() over (partition by l.effect order by l.effect_id) as place
      from pawl.lease as l
      where l.slot = s.slot and l.waits = 'slot'
    ) as w
    where w.place = 1
  );
end
$$;

comment on function pawl.free_slots is
  'Tell the oldest effect that waits for each of these slots that it may ask again';
