-- Store the outputs of many effects and send their done events, as complete_effect does for one.
-- The outcome is applied, void, failed, or lost where the token is stale: the others count. An
-- output that is too large ends its effect with the error output_too_large.
-- Locks: the leases in the order of their ids, instances in (machine, iid) order, then what
-- free_slots locks.
create or replace function pawl.complete_effects(
  p_effect_ids bigint[],
  p_tokens bigint[],
  p_outputs jsonb[]
)
returns table (effect_id bigint, outcome text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_held bigint[];
  v_slots text[];
  v_plain bigint[];
  v_outcomes jsonb := '{}'::jsonb;
  v_done record;
begin
  select array_agg(h.effect_id), array_agg(distinct h.slot) into v_held, v_slots
  from (
    select l.effect_id, l.slot
    from unnest(p_effect_ids, p_tokens) as a (effect_id, token)
    join pawl.lease as l on l.effect_id = a.effect_id and l.token = a.token
    order by l.effect_id
    for update of l
  ) as h;

  -- Those that nobody waits for, together.
  with plain as (
    select a.effect_id, a.output
    from unnest(p_effect_ids, p_outputs) as a (effect_id, output)
    join pawl.outbox as o on o.effect_id = a.effect_id
    where a.effect_id = any (v_held) and o.invoke_id is null
      and coalesce(pg_column_size(a.output), 0) <= 1048576
  ), stored as (
    insert into pawl.effect_result as r (effect_id, at, outcome, output, applied_at)
    select p.effect_id, pawl.now(), 'done', p.output, pawl.now() from plain as p
    on conflict (effect_id) do nothing
    returning r.effect_id
  ), over as (
    delete from pawl.lease as l using plain as p where l.effect_id = p.effect_id
  )
  select array_agg(s.effect_id) into v_plain from stored as s;

  for v_done in
    select a.effect_id, l.attempt, a.output
    from unnest(p_effect_ids, p_outputs) as a (effect_id, output)
    join pawl.outbox as o on o.effect_id = a.effect_id
    join pawl.lease as l on l.effect_id = a.effect_id
    where a.effect_id = any (v_held) and (v_plain is null or a.effect_id <> all (v_plain))
    order by o.machine collate "C", o.iid, o.effect_id
  loop
    v_outcomes := v_outcomes || jsonb_build_object(
      v_done.effect_id, pawl.store_output(v_done.effect_id, v_done.attempt, v_done.output));
  end loop;
  perform pawl.free_slots(v_slots);

  return query
    select a.effect_id,
      case
        when v_held is null or a.effect_id <> all (v_held) then 'lost'
        else coalesce(v_outcomes ->> a.effect_id::text, 'applied')
      end
    from unnest(p_effect_ids) with ordinality as a (effect_id, place)
    order by a.place;
end
$$;

comment on function pawl.complete_effects is
  'Store the outputs of many effects and send their done events, as complete_effect does for one';
