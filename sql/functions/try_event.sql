-- Send an internal event to an instance in a subtransaction, and tell how it went.
-- A paused instance, or one in a deadlock, has not failed: it is asked again, uncounted.
-- Locks: the instance.
create or replace function pawl.try_event(
  p_machine text,
  p_iid bigint,
  p_name text,
  p_seq bigint,
  p_event jsonb
)
returns pawl.attempt
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_attempt pawl.attempt;
  v_detail text;
begin
  v_attempt.outcome := case
    when pawl.route_internal(p_machine, p_iid, p_name, p_seq, p_event) then 'applied'
    else 'void'
  end;
  return v_attempt;
exception
  when others then
    get stacked diagnostics v_detail = pg_exception_detail;
    return pawl.failed_attempt(sqlstate, sqlerrm, v_detail);
end
$$;

comment on function pawl.try_event is
  'Send an internal event to an instance in a subtransaction, and tell how it went';
