-- Refuse a value that breaks the check of a field.
-- Raises PT422.
create or replace function pawl.raise_check(
  p_machine text,
  p_id text,
  p_field text,
  p_definition text
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT422',
    'check_violated',
    format('field "%s" of %s "%s" breaks its check: %s', p_field, p_machine, p_id, p_definition),
    jsonb_build_object('machine', p_machine, 'id', p_id, 'field', p_field,
      'definition', p_definition),
    'Send a value that the check admits.'
  );
end
$$;

comment on function pawl.raise_check is 'Refuse a value that breaks the check of a field';
