-- What send_event would return, without changing anything.
-- Raises what send_event raises.
create or replace function :"api_schema".simulate_event(machine text, id text, event jsonb)
returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.check_event(machine, event);
  perform pawl.require_reader(machine, id);
  return pawl.route_simulate(machine, id, event);
end
$$;

comment on function :"api_schema".simulate_event is
  'What send_event would return, without changing anything';
