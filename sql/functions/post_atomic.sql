-- Send an atomic message. What its receiver refuses is told to a client without the receiver's
-- state and data, which he may not be allowed to read.
-- Raises what the receiver raises.
create or replace function pawl.post_atomic(p_message pawl.message_command, p_sender text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_detail text;
  v_hint text;
  v_constraint text;
begin
  if pawl.claims() is null then
    perform pawl.route_message(p_message.machine, p_message.id, p_message.event, p_sender);
    return;
  end if;
  begin
    perform pawl.route_message(p_message.machine, p_message.id, p_message.event, p_sender);
  exception
    when others then
      get stacked diagnostics
        v_detail = pg_exception_detail,
        v_hint = pg_exception_hint,
        v_constraint = constraint_name;
      perform pawl.rethrow_blindly(p_message.machine, p_message.id, p_message.event ->> 'type',
        sqlstate, sqlerrm, v_detail, v_hint, null, v_constraint);
  end;
end
$$;

comment on function pawl.post_atomic is 'Send an atomic message';
