-- Refuse to leave a field empty that must have a value.
-- Raises PT422.
create or replace function pawl.raise_not_null(p_machine text, p_id text, p_field text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT422',
    'not_null_violated',
    format('field "%s" of %s "%s" must have a value', p_field, p_machine, p_id),
    jsonb_build_object('machine', p_machine, 'id', p_id, 'field', p_field),
    'Give it a value.'
  );
end
$$;

comment on function pawl.raise_not_null is 'Refuse to leave a field empty that must have a value';
