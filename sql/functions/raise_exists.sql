-- Refuse to create an instance twice.
-- Raises PT409.
create or replace function pawl.raise_exists(p_machine text, p_id text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT409',
    'already_exists',
    format('%s "%s" already exists', p_machine, p_id),
    jsonb_build_object('machine', p_machine, 'id', p_id),
    'Use ensure_instance to get or create it.'
  );
end
$$;

comment on function pawl.raise_exists is 'Refuse to create an instance twice';
