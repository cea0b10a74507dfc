-- The event that an error becomes in a chart from SCXML: error.communication where no session could
-- be reached, else error.execution.
create or replace function pawl.scxml_error(p_sqlstate text, p_message text, p_sendid text)
returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'type', case p_sqlstate when 'PT502' then 'error.communication' else 'error.execution' end,
    '_event', jsonb_build_object('type', 'platform', 'sendid', p_sendid, 'data', p_message)
  )
$$;

comment on function pawl.scxml_error is 'The event that an error becomes in a chart from SCXML';
