-- Say that no authorizer admits the caller, and tell the log.
-- Raises PT403.
create or replace function pawl.raise_denied(p_machine text, p_id text, p_event text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.log_denial(p_machine, p_id, p_event);
  perform pawl.raise_error(
    'PT403',
    'denied',
    case
      when p_event is null then format('you may not create %s "%s"', p_machine, p_id)
      else format('you may not send "%s" to %s "%s"', p_event, p_machine, p_id)
    end,
    jsonb_build_object('machine', p_machine, 'id', p_id, 'event', p_event),
    'The machine''s "authorize" section says who may.'
  );
end
$$;

comment on function pawl.raise_denied is 'Say that no authorizer admits the caller';
