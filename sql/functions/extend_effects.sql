-- Renew the leases of the effects that a worker performs; one call for all of them. p_beats says
-- whose handler was heard of since the last call, for effects that must report; null: nobody's.
-- The verdict is held, cancelled (its state was left: stop, the result would be dropped) or lost
-- (another worker may take it: it was taken, has run too long, or was silent too long).
-- One that is locked, as while its result is stored, counts as it stands: waiting for it, and so for
-- its instance, would cost the others their leases.
-- Locks: the leases, skip locked.
create or replace function pawl.extend_effects(
  p_effect_ids bigint[],
  p_tokens bigint[],
  p_lease interval default '60 seconds',
  p_beats boolean[] default null
)
returns table (effect_id bigint, verdict text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now timestamptz := pawl.now();
begin
  return query
    with free as (
      select l.effect_id
      from unnest(p_effect_ids, p_tokens) as a (effect_id, token)
      join pawl.lease as l on l.effect_id = a.effect_id and l.token = a.token
      for update of l skip locked
    ), renewed as (
      update pawl.lease as l
      set until = pawl.lease_end(v_now, p_lease, l.started_at, p.timeout,
            case when a.beat then v_now else l.beat_at end, p.heartbeat),
          beat_at = case when a.beat then v_now else l.beat_at end
      from unnest(p_effect_ids, p_beats) as a (effect_id, beat)
      join free as f on f.effect_id = a.effect_id
      join pawl.outbox as o on o.effect_id = a.effect_id
      left join pawl.effect_policy as p
        on p.machine = o.machine and p.version = o.version and p.effect = o.effect
      where l.effect_id = a.effect_id
      returning l.effect_id, l.until
    )
    select a.effect_id,
      case
        when coalesce(r.until, l.until, v_now) <= v_now then 'lost'
        when o.invoke_id is null
          or pawl.route_invoke_live(o.machine, o.iid, o.invoke_id, o.seq) then 'held'
        else 'cancelled'
      end
    from unnest(p_effect_ids, p_tokens) with ordinality as a (effect_id, token, place)
    left join renewed as r on r.effect_id = a.effect_id
    left join pawl.lease as l on l.effect_id = a.effect_id and l.token = a.token
    left join pawl.outbox as o on o.effect_id = a.effect_id
    order by a.place;
end
$$;

comment on function pawl.extend_effects is
  'Renew the leases of the effects that a worker performs; one call for all of them';
