-- Refuse an event meant for an earlier moment of the instance.
-- Raises PT409.
create or replace function pawl.raise_seq_mismatch(
  p_machine text,
  p_id text,
  p_expected bigint,
  p_seq bigint
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT409',
    'seq_mismatch',
    format('%s "%s" is at seq %s, not %s', p_machine, p_id, p_seq, p_expected),
    jsonb_build_object('machine', p_machine, 'id', p_id, 'expected_seq', p_expected, 'seq', p_seq),
    'Read the instance again and decide again.'
  );
end
$$;

comment on function pawl.raise_seq_mismatch is 'Refuse an event meant for an earlier moment of the instance';
