-- Refuse to rescue an instance that no migration has left behind.
-- Raises PT409.
create or replace function pawl.raise_no_rescue(p_machine text, p_id text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT409',
    'no_rescue',
    format('%s "%s" needs no rescue', p_machine, p_id),
    jsonb_build_object('machine', p_machine, 'id', p_id),
    '"pawl rescue list" shows those that a migration has left behind.'
  );
end
$$;

comment on function pawl.raise_no_rescue is
  'Refuse to rescue an instance that no migration has left behind';
