-- An event of SCXML on its way: for the internal queue without a session, else for the external one.
-- Raises 22004 if it has no name.
create or replace function pawl.scxml_sent(
  p_name text,
  p_data jsonb,
  p_sendid text,
  p_session text
)
returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_name is null then
    raise exception using
      errcode = 'null_value_not_allowed',
      message = 'the event has no name';
  end if;
  return jsonb_build_object(
    'type', p_name,
    '_event', jsonb_build_object(
      'type', case when p_session is null then 'internal' else 'external' end,
      'sendid', p_sendid,
      'origin', '#_scxml_' || p_session,
      'origintype', case
        when p_session is not null then 'http://www.w3.org/TR/scxml/#SCXMLEventProcessor'
      end,
      'invokeid', null,
      'data', p_data
    )
  );
end
$$;

comment on function pawl.scxml_sent is
  'An event of SCXML on its way: for the internal queue without a session, else for the external one';
