-- Refuse what is not an array of {machine, id, event, event_id, expected_seq}.
-- Raises PT400 naming the item, PT413.
create or replace function pawl.check_batch(p_events jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_known constant text[] := array['machine', 'id', 'event', 'event_id', 'expected_seq'];
  v_item jsonb;
  v_index int;
  v_key text;
begin
  if p_events is null then
    perform pawl.raise_null_argument('events');
  elsif jsonb_typeof(p_events) <> 'array' then
    perform pawl.raise_malformed_batch(null, 'it is not an array');
  end if;
  perform pawl.check_size('the batch', p_events);

  for v_item, v_index in
    select e.item, (e.place - 1)::int
    from jsonb_array_elements(p_events) with ordinality as e (item, place)
    order by e.place
  loop
    if jsonb_typeof(v_item) <> 'object' then
      perform pawl.raise_malformed_batch(v_index, 'it is not an object');
    end if;
    foreach v_key in array array['machine', 'id'] loop
      if jsonb_typeof(v_item -> v_key) is distinct from 'string' then
        perform pawl.raise_malformed_batch(v_index, format('its "%s" is not a string', v_key));
      end if;
    end loop;
    if jsonb_typeof(v_item -> 'event' -> 'type') is distinct from 'string' then
      perform pawl.raise_malformed_batch(
        v_index, 'its "event" is not an object with a "type" that is a string');
    elsif jsonb_typeof(v_item -> 'event_id') not in ('string', 'null') then
      perform pawl.raise_malformed_batch(v_index, 'its "event_id" is not a string');
    elsif v_item ->> 'expected_seq' is not null
      and not pawl.reads_as(v_item -> 'expected_seq', 'bigint')
    then
      perform pawl.raise_malformed_batch(v_index, 'its "expected_seq" is not an integer');
    end if;
    for v_key in
      select k from jsonb_object_keys(v_item) as k where k <> all (v_known) order by k
    loop
      perform pawl.raise_malformed_batch(v_index, format('it has an unknown key "%s"', v_key));
    end loop;
  end loop;
end
$$;

comment on function pawl.check_batch is
  'Refuse what is not an array of {machine, id, event, event_id, expected_seq}';
