-- Refuse an event that no active state takes.
-- Raises PT409.
create or replace function pawl.raise_not_accepted(
  p_machine text,
  p_id text,
  p_event text,
  p_state text[],
  p_accepts text[]
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT409',
    'not_accepted',
    format('%s "%s" does not take "%s" in state "%s"', p_machine, p_id, p_event,
      array_to_string(p_state, ', ')),
    jsonb_build_object('machine', p_machine, 'id', p_id, 'event', p_event, 'state', p_state,
      'accepts', p_accepts),
    case
      when cardinality(p_accepts) > 0
        then format('It takes %s now.', pawl.quoted_list(p_accepts))
      else 'It takes no event now.'
    end
  );
end
$$;

comment on function pawl.raise_not_accepted is 'Refuse an event that no active state takes';
