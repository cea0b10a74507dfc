-- Say what is wrong with an event's form; nothing if it is well formed.
-- Raises PT400, PT413.
create or replace function pawl.check_event(p_machine text, p_event jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_event is null then
    perform pawl.raise_null_argument('event');
  elsif jsonb_typeof(p_event) <> 'object' then
    perform pawl.raise_malformed_event(p_machine, 'it is not an object');
  elsif not p_event ? 'type' then
    perform pawl.raise_malformed_event(p_machine, 'it has no "type"');
  elsif jsonb_typeof(p_event -> 'type') <> 'string' then
    perform pawl.raise_malformed_event(p_machine, 'its "type" is not a string');
  end if;
  perform pawl.check_size('the event', p_event);
end
$$;

comment on function pawl.check_event is
  'Say what is wrong with an event''s form; nothing if it is well formed';
