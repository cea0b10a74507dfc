-- Settle the effects that nobody waits for, and those whose last attempt vanished; return the rest.
-- Locks: the instances of the latter, one after another.
create or replace function pawl.settle_hopeless(p_open pawl.open_effect[])
returns pawl.open_effect[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_open pawl.open_effect;
  v_rest pawl.open_effect[] := array[]::pawl.open_effect[];
begin
  foreach v_open in array p_open loop
    if not v_open.live then
      perform pawl.settle_effect(v_open.effect_id, 'void', null);
    elsif v_open.attempt >= v_open.attempts then
      perform pawl.settle_effect(
        v_open.effect_id, 'error',
        jsonb_build_object('code', 'lease_expired',
          'message', 'the worker vanished during the last attempt', 'attempts', v_open.attempt));
    else
      v_rest := v_rest || v_open;
    end if;
  end loop;
  return v_rest;
end
$$;

comment on function pawl.settle_hopeless is
  'Settle the effects that nobody waits for, and those whose last attempt vanished; return the rest';
