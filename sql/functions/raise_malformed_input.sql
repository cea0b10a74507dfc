-- Refuse an input or context with which no instance can begin.
-- Raises PT400.
create or replace function pawl.raise_malformed_input(p_machine text, p_id text, p_reason text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT400',
    'malformed_input',
    format('the input of %s "%s" is malformed: %s', p_machine, p_id, p_reason),
    jsonb_build_object('machine', p_machine, 'id', p_id, 'reason', p_reason),
    'Give a JSON object of the fields that the machine''s "input" names.'
  );
end
$$;

comment on function pawl.raise_malformed_input is
  'Refuse an input or context with which no instance can begin';
