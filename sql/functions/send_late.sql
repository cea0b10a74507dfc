-- Make the message of a delayed send whose timer is due, if its instance still waits for it.
-- The timer's event is {"type": "pawl.send", "machine", "id", "event", "send_id", "child"}. A paused sender
-- keeps it: returns false.
-- Locks: the instance must be locked by the caller.
create or replace function pawl.send_late(p_timer pawl.timer)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_schema text := schema_name from pawl.machine where name = p_timer.machine;
  v_id text;
  v_status text;
begin
  execute format(
    'select i.id, i.status from %I.instance as i where i.iid = $1 and i.timers ->> $2 = $3',
    v_schema
  )
  into v_id, v_status
  using p_timer.iid, p_timer.name, p_timer.seq::text;
  if v_status = 'paused' then
    return false;
  elsif v_status is null then
    return true;
  end if;
  execute format('update %I.instance set timers = timers - $2 where iid = $1', v_schema)
  using p_timer.iid, p_timer.name;
  perform pawl.post_messages(
    p_timer.machine,
    p_timer.iid,
    v_id,
    p_timer.seq,
    array[row(
      p_timer.event ->> 'machine',
      p_timer.event ->> 'id',
      p_timer.event -> 'event',
      p_timer.event ->> 'send_id',
      false,
      p_timer.event ->> 'child'
    )::pawl.message_command]
  );
  return true;
end
$$;

comment on function pawl.send_late is
  'Make the message of a delayed send whose timer is due, if its instance still waits for it';
