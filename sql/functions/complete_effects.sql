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
  v_leases pawl.lease[] := pawl.hold_leases(p_effect_ids, p_tokens);
  v_held bigint[];
  v_outputs jsonb[];
  v_plain bigint[];
  v_outcomes jsonb := '{}'::jsonb;
  v_done record;
begin
  select coalesce(array_agg(a.effect_id), '{}'), array_agg(a.output) into v_held, v_outputs
  from unnest(p_effect_ids, p_outputs) as a (effect_id, output)
  where a.effect_id in (select l.effect_id from unnest(v_leases) as l);
  v_plain := pawl.complete_plain(v_held, v_outputs);

  for v_done in
    select a.effect_id, l.attempt, a.output
    from unnest(v_held, v_outputs) as a (effect_id, output)
    join unnest(v_leases) as l on l.effect_id = a.effect_id
    join pawl.outbox as o on o.effect_id = a.effect_id
    where a.effect_id <> all (v_plain)
    order by o.machine collate "C", o.iid, o.effect_id
  loop
    v_outcomes := v_outcomes || jsonb_build_object(
      v_done.effect_id, pawl.store_output(v_done.effect_id, v_done.attempt, v_done.output));
  end loop;
  perform pawl.free_slots(array(select distinct l.slot from unnest(v_leases) as l));

  return query
    select a.effect_id,
      case
        when a.effect_id <> all (v_held) then 'lost'
        else coalesce(v_outcomes ->> a.effect_id::text, 'applied')
      end
    from unnest(p_effect_ids) with ordinality as a (effect_id, place)
    order by a.place;
end
$$;

comment on function pawl.complete_effects is
  'Store the outputs of many effects and send their done events, as complete_effect does for one';
