-- Refuse to migrate an instance whose configuration the migration does not know.
-- Raises PT422.
create or replace function pawl.raise_unmapped(p_machine text, p_id text, p_state text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT422',
    'unmapped_state',
    format('the migration has nothing for state "%s" of "%s" %s',
      array_to_string(p_state, ', '), p_machine, p_id),
    jsonb_build_object('machine', p_machine, 'id', p_id, 'state', p_state),
    'Put it into a state that the migration maps, with force_state.'
  );
end
$$;

comment on function pawl.raise_unmapped is
  'Refuse to migrate an instance whose configuration the migration does not know';
