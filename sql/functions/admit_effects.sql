-- Of effects that are to be performed, those that their limits admit; the others wait. Slots are
-- counted from live leases, so that nothing can drift. One that waits for a slot is told when one
-- is free (see free_slots), and looks again after 30 seconds in any case.
-- Locks: for effects that have a limit, the key of limits, until the transaction ends.
create or replace function pawl.admit_effects(p_open pawl.open_effect[])
returns pawl.open_effect[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_open pawl.open_effect;
  v_effect pawl.outbox;
  v_policy pawl.effect_policy;
  v_slot text;
  v_slots text[] := '{}'::text[];
  v_wait timestamptz;
  v_admitted pawl.open_effect[] := array[]::pawl.open_effect[];
begin
  if 'limited' <> all (array(select o.fate from unnest(p_open) as o)) then
    return p_open;
  end if;
  perform pg_advisory_xact_lock(pawl.lock_space(), 3);
  foreach v_open in array p_open loop
    if v_open.fate = 'limited' then
      select * into v_effect from pawl.outbox where effect_id = v_open.effect_id;
      select * into v_policy from pawl.effect_policy as p
      where p.machine = v_effect.machine and p.version = v_effect.version
        and p.effect = v_effect.effect;
      v_slot := pawl.slot_of(v_effect, v_policy);
      if pawl.running(v_effect.effect, v_slot)
        + cardinality(array_positions(v_slots, v_slot)) >= v_policy.slots
      then
        perform pawl.put_off(v_effect, 'slot', pawl.now() + interval '30 seconds', v_slot);
        continue;
      end if;
      v_wait := pawl.count_attempt(v_effect, v_policy);
      if v_wait is not null then
        perform pawl.put_off(v_effect, 'rate', v_wait, v_slot);
        continue;
      end if;
      v_slots := v_slots || v_slot;
    end if;
    v_admitted := v_admitted || v_open;
  end loop;
  return v_admitted;
end
$$;

comment on function pawl.admit_effects is
  'Of effects that are to be performed, those that their limits admit; the others wait';
