-- Of effects that a worker performs, those whose result nobody wants any more: cancelled (its state
-- was left, or an operator cancelled it) or lost (another worker has it, or it has ended). It reads
-- only, and is cheap, so a worker asks several times a second; leases are renewed by extend_effects.
create or replace function pawl.unwanted_effects(p_effect_ids bigint[], p_tokens bigint[])
returns table (effect_id bigint, verdict text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    select a.effect_id,
      case
        when l.token is distinct from a.token and r.outcome is distinct from 'cancelled' then 'lost'
        else 'cancelled'
      end
    from unnest(p_effect_ids, p_tokens) as a (effect_id, token)
    left join pawl.lease as l on l.effect_id = a.effect_id
    left join pawl.effect_result as r on r.effect_id = a.effect_id
    left join pawl.outbox as o on o.effect_id = a.effect_id
    where l.token is distinct from a.token
      or (
        o.invoke_id is not null
        and not pawl.route_invoke_live(o.machine, o.iid, o.invoke_id, o.seq)
      );
end
$$;

comment on function pawl.unwanted_effects is
  'Of effects that a worker performs, those whose result nobody wants any more';
