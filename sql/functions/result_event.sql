-- The event that an effect's result is to its instance; null if nobody waits for one.
create or replace function pawl.result_event(p_invoke_id text, p_outcome text, p_value jsonb)
returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_invoke_id is null then null
    when p_outcome = 'done'
      then jsonb_build_object('type', 'done.invoke.' || p_invoke_id, 'output', p_value)
    when p_outcome in ('error', 'cancelled')
      then jsonb_build_object('type', 'error.invoke.' || p_invoke_id, 'error', p_value)
    when p_outcome = 'unreachable' then pawl.scxml_error('PT502', p_value ->> 'message', null)
  end
$$;

comment on function pawl.result_event is
  'The event that an effect''s result is to its instance; null if nobody waits for one';
