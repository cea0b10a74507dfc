-- Renew the leases of the effects that a worker performs; one call for all of them.
-- The verdict is held, cancelled (its state was left: stop, the result would be dropped) or lost.
-- Locks: the leases.
create or replace function pawl.extend_effects(
  p_effect_ids bigint[],
  p_tokens bigint[],
  p_lease interval default '60 seconds'
)
returns table (effect_id bigint, verdict text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    with renewed as (
      update pawl.lease as l
      set until = pawl.now() + p_lease
      from unnest(p_effect_ids, p_tokens) as a (effect_id, token)
      where l.effect_id = a.effect_id and l.token = a.token
      returning l.effect_id
    )
    select a.effect_id,
      case
        when r.effect_id is null then 'lost'
        when o.invoke_id is null
          or pawl.route_invoke_live(o.machine, o.iid, o.invoke_id, o.seq) then 'held'
        else 'cancelled'
      end
    from unnest(p_effect_ids) with ordinality as a (effect_id, place)
    left join renewed as r on r.effect_id = a.effect_id
    left join pawl.outbox as o on o.effect_id = a.effect_id
    order by a.place;
end
$$;

comment on function pawl.extend_effects is
  'Renew the leases of the effects that a worker performs; one call for all of them';
