-- Refuse a payload for one field, or as a whole (field null); event null: the input of a creation.
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
declare
  v_what constant text := coalesce('event "' || p_event || '"', 'the input');
begin
  perform pawl.raise_error(
    'PT400',
    'malformed_payload',
    case p_problem
      when 'missing' then format('%s lacks field "%s"', v_what, p_field)
      when 'type' then format('field "%s" of %s is not %s', p_field, v_what, p_type)
      when 'unknown' then format('%s has no field "%s"', v_what, p_field)
      when 'not an object' then format('%s is not a JSON object', v_what)
      else format('%s is malformed', v_what)
    end,
    jsonb_build_object('machine', p_machine, 'event', p_event, 'field', p_field,
      'problem', p_problem, 'type', p_type),
    case p_problem
      when 'unknown' then pawl.did_you_mean(p_field, p_known)
      else format('Send the fields that the machine''s "%s" section declares.',
        case when p_event is null then 'input' else 'events' end)
    end
  );
end
$$;

comment on function pawl.raise_bad_field is 'Refuse a payload for one field, or as a whole';
