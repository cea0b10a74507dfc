-- An event as a session of SCXML takes it: what came from a timer as it was made; the result of an
-- invoke, and what another instance sent, with what _event shows of them. What SCXML keeps in an
-- event is not a caller's to say.
create or replace function pawl.scxml_cause(p_event jsonb, p_source text, p_sender text[])
returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_source is null and p_sender is null then p_event - '_event'
    when p_source is not null and p_event ? '_event' then p_event
    when p_source is not null then jsonb_build_object(
      'type', p_event -> 'type',
      '_event', jsonb_build_object(
        'type', 'external',
        'invokeid', p_source,
        'data', coalesce(p_event -> 'output', p_event -> 'error')
      )
    )
    else jsonb_build_object(
      'type', p_event -> 'type',
      '_event', coalesce(
        p_event -> '_event',
        jsonb_build_object(
          'type', 'external',
          'origin', format('#_scxml_%s/%s', p_sender[1], p_sender[2]),
          'origintype', 'http://www.w3.org/TR/scxml/#SCXMLEventProcessor',
          'data', nullif(p_event - 'type', '{}')
        )
      ) || case
        when p_sender[4] is not null then jsonb_build_object('invokeid', p_sender[4])
        else '{}'
      end
    )
  end
$$;

comment on function pawl.scxml_cause is 'An event as a session of SCXML takes it';
