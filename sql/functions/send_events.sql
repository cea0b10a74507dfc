-- Send several events, to instances of any machines, all or none, in the order of the array.
-- Locks: the instances in (machine, iid) order, before the first event.
-- Raises PT400 naming the item, and what send_event raises.
create or replace function :"api_schema".send_events(events jsonb)
returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_item jsonb;
  v_replies jsonb := jsonb_build_array();
begin
  perform pawl.check_batch(events);
  perform pawl.lock_batch(events);
  for v_item in
    select e.item from jsonb_array_elements(events) with ordinality as e (item, place)
    order by e.place
  loop
    v_replies := v_replies || jsonb_build_array(pawl.route_send(
      v_item ->> 'machine',
      v_item ->> 'id',
      v_item -> 'event',
      v_item ->> 'event_id',
      (v_item ->> 'expected_seq')::bigint
    ));
  end loop;
  return v_replies;
end
$$;

comment on function :"api_schema".send_events is
  'Send several events, [{"machine", "id", "event", "event_id", "expected_seq"}], all or none; returns the replies in order';
