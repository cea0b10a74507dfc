-- Send an event to an instance: authorise, transition, store, enqueue, in the caller's transaction.
-- Locks: the instance.
-- Raises PT400, PT401, PT403, PT404, PT409, PT413, PT422; see pawl.route_send.
-- A deploy puts one in its place that has the routes written out.
create or replace function :"api_schema".send_event(
  machine text,
  id text,
  event jsonb,
  event_id text default null,
  expected_seq bigint default null
)
returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return pawl.route_send(machine, id, event, event_id, expected_seq);
end
$$;

comment on function :"api_schema".send_event is
  'Send an event to an instance: {"type": "accept", …payload}; returns the instance after it';
