-- Settle the effects that nobody waits for, and those that end with an error; return those to perform.
-- Locks: the instances that are told of an error, if they are free; else apply_results() tells them.
create or replace function pawl.settle_hopeless(p_open pawl.open_effect[])
returns pawl.open_effect[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_open pawl.open_effect;
  v_rest pawl.open_effect[] := array[]::pawl.open_effect[];
  v_void bigint[] := '{}'::bigint[];
begin
  foreach v_open in array p_open loop
    case
      when v_open.fate in ('perform', 'limited') then
        v_rest := v_rest || v_open;
      when v_open.fate = 'void' then
        v_void := v_void || v_open.effect_id;
      when v_open.fate = 'taken' then
        null;
      else
        perform pawl.settle_effect(
          v_open.effect_id, 'error', pawl.expiry_error(v_open.fate, v_open.attempt), false);
    end case;
  end loop;
  if v_void <> '{}' then
    delete from pawl.lease where effect_id = any (v_void);
    insert into pawl.effect_result (effect_id, at, outcome)
    select v.effect_id, pawl.now(), 'void' from unnest(v_void) as v (effect_id)
    on conflict (effect_id) do nothing;
  end if;
  return v_rest;
end
$$;

comment on function pawl.settle_hopeless is
  'Settle the effects that nobody waits for, and those that end with an error; return those to perform';
