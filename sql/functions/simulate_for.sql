-- What send_event would return; p_readable: the read rule admits the caller.
-- Clients are told the reply alone: commands may carry what is not public. Raises PT404, and what
-- send_event raises.
create or replace function pawl.simulate_for(
  p_machine text,
  p_id text,
  p_event jsonb,
  p_readable boolean
)
returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reply jsonb;
begin
  perform pawl.check_event(p_machine, p_event);
  if not p_readable then
    perform pawl.absent(p_machine, p_id);
  end if;
  v_reply := pawl.route_simulate(p_machine, p_id, p_event);
  if pawl.claims() is not null then
    v_reply := v_reply - array['effects', 'timers', 'messages', 'log'];
  end if;
  return v_reply;
end
$$;

comment on function pawl.simulate_for is
  'What send_event would return; p_readable: the read rule admits the caller';
