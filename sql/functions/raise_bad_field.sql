-- Refuse a payload for one field, or as a whole (field null).
-- Raises PT400.
create or replace function pawl.raise_bad_field(
  p_machine text,
  p_event text,
  p_field text,
  p_problem text,
  p_type text,
  p_known text[] default '{}'
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT400',
    'malformed_payload',
    case p_problem
      when 'missing' then format('event "%s" lacks field "%s"', p_event, p_field)
      when 'type' then format('field "%s" of event "%s" is not %s', p_field, p_event, p_type)
      when 'unknown' then format('event "%s" has no field "%s"', p_event, p_field)
      when 'not an object' then format('the payload of event "%s" is not a JSON object', p_event)
      else format('the payload of event "%s" is malformed', p_event)
    end,
    jsonb_build_object('machine', p_machine, 'event', p_event, 'field', p_field,
      'problem', p_problem, 'type', p_type),
    case p_problem
      when 'unknown' then pawl.did_you_mean(p_field, p_known)
      else 'Send the fields that the machine''s "events" section declares.'
    end
  );
end
$$;

comment on function pawl.raise_bad_field is 'Refuse a payload for one field, or as a whole';
