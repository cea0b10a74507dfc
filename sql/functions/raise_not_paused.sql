-- Refuse to resume an instance that is not paused.
-- Raises PT409.
create or replace function pawl.raise_not_paused(p_machine text, p_id text, p_status text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT409',
    'not_paused',
    format('%s "%s" is %s, not paused', p_machine, p_id, p_status),
    jsonb_build_object('machine', p_machine, 'id', p_id, 'status', p_status),
    'Only a paused instance can be resumed.'
  );
end
$$;

comment on function pawl.raise_not_paused is 'Refuse to resume an instance that is not paused';
