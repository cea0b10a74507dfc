-- Note which partitions of the outbox are in use, and begin the next one when a quarter of the time
-- has passed for which effects are kept: its first id is the next to be handed out. So a partition
-- ages as a whole, however few effects there are. Nothing is locked; the ids between are a gap.
-- Call it under the key 4: a sequence set back would hand out ids again.
create or replace function pawl.turn_outbox(p_keep interval)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  update pawl.outbox_part set begun_at = pawl.now()
  where begun_at is null and first_id <= pawl.newest_effect();
  perform setval(pg_get_serial_sequence('pawl.outbox', 'effect_id')::regclass, p.last_id)
  from pawl.outbox_part as p
  join pawl.outbox_part as n on n.first_id = p.last_id + 1
  where p.begun_at < pawl.now() - p_keep / 4
    and pawl.newest_effect() between p.first_id and p.last_id - 100000;
  update pawl.outbox_part set ended_at = pawl.now()
  where ended_at is null and last_id <= pawl.newest_effect();
end
$$;

comment on function pawl.turn_outbox is
  'Note which partitions of the outbox are in use, and begin the next one when it is time';
