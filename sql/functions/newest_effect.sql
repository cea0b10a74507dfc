-- The newest id of an effect that was handed out, its transaction committed or not.
create or replace function pawl.newest_effect()
returns bigint
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    pg_sequence_last_value(pg_get_serial_sequence('pawl.outbox', 'effect_id')::regclass), 0)
$$;

comment on function pawl.newest_effect is
  'The newest id of an effect that was handed out, its transaction committed or not';
