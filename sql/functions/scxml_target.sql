-- Where the target of an SCXML send leads: null for the internal queue of the session, the session
-- itself for its external one; else "#_parent", "#_<invokeid>" or "#_scxml_<session>" as written.
-- Raises PT502 for what cannot be reached, 22023 for what is no target or no processor.
create or replace function pawl.scxml_target(
  p_target text,
  p_type text,
  p_session text,
  p_invokes jsonb
)
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_type = 'http://www.w3.org/TR/scxml/#BasicHTTPEventProcessor' then
    raise exception using errcode = 'PT502', message = 'there is no HTTP event processor';
  elsif p_type not in (
    '',
    'scxml',
    'http://www.w3.org/TR/scxml/',
    'http://www.w3.org/TR/scxml/#SCXMLEventProcessor'
  ) then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = format('no event processor is called %s', p_type);
  end if;
  if p_target is null or p_target = '#_scxml_' || p_session then
    return p_session;
  elsif p_target = '#_internal' then
    return null;
  elsif p_target = '#_parent'
    or p_target like '#\_scxml\__%/_%'
    or (p_target like '#\_%' and p_invokes ? substr(p_target, 3))
  then
    return p_target;
  elsif p_target like '#\_%' then
    raise exception using errcode = 'PT502', message = format('no session is called %s', p_target);
  end if;
  raise exception using
    errcode = 'invalid_parameter_value',
    message = format('%s is no target of an event', p_target);
end
$$;

comment on function pawl.scxml_target is 'Where the target of an SCXML send leads';
