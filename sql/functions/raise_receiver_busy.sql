-- Say that an atomic message would have to wait for an instance against the order of locks.
-- Raises 40001.
create or replace function pawl.raise_receiver_busy(p_machine text, p_id text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    '40001',
    'receiver_busy',
    format('%s "%s" is busy, and waiting for it could be a deadlock', p_machine, p_id),
    jsonb_build_object('machine', p_machine, 'id', p_id),
    'Run the whole transaction again; pawl.client does.'
  );
end
$$;

comment on function pawl.raise_receiver_busy is
  'Say that an atomic message would have to wait for an instance against the order of locks';
