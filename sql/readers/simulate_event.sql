-- What send_event would return, without changing anything.
-- Raises PT404 for what the caller may not read, and what send_event raises.
create or replace function :"api_schema".simulate_event(machine text, id text, event jsonb)
returns jsonb
language sql
begin atomic
  select pawl.simulate_for(
    simulate_event.machine,
    simulate_event.id,
    simulate_event.event,
    pawl.read_iid(simulate_event.machine, simulate_event.id) is not null
  );
end;

comment on function :"api_schema".simulate_event is
  'What send_event would return, without changing anything';
