-- Make one partition of the outbox or of the results, for effects with these ids.
-- Locks: the default partition.
create or replace function pawl.make_outbox_partition(p_table text, p_first bigint, p_last bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text := format('%s_%s', p_table, p_first);
begin
  execute format(
    'create table pawl.%I (like pawl.%I including all excluding identity)', v_name, p_table);
  execute format(
    'alter table pawl.%I attach partition pawl.%I for values from (%s) to (%s)',
    p_table, v_name, p_first, p_last + 1);
  execute format(
    'comment on table pawl.%I is %L', v_name, format('Effects %s to %s', p_first, p_last));
end
$$;

comment on function pawl.make_outbox_partition is
  'Make one partition of the outbox or of the results, for effects with these ids';
