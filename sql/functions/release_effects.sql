-- Give back effects that were claimed and not performed; their attempts do not count, and other
-- workers are told. Returns how many it still held.
-- Locks: the leases, then what free_slots locks.
create or replace function pawl.release_effects(p_effect_ids bigint[], p_tokens bigint[])
returns int
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_slots text[];
  v_count int;
begin
  with released as (
    update pawl.lease as l
    set token = nextval('pawl.lease_token'),
        until = pawl.now(),
        attempt = l.attempt - 1,
        worker = null
    from unnest(p_effect_ids, p_tokens) as a (effect_id, token)
    where l.effect_id = a.effect_id and l.token = a.token and l.worker is not null
    returning l.slot
  )
  select array_agg(distinct r.slot), count(*)::int into v_slots, v_count from released as r;
  if v_count > 0 then
    perform pawl.free_slots(v_slots);
    perform pawl.ring();
  end if;
  return v_count;
end
$$;

comment on function pawl.release_effects is
  'Give back effects that were claimed and not performed; their attempts do not count';
