-- Move the mark from which claims read the outbox past what is settled, about every 1,000 effects.
-- It may not pass the effect of a transaction in flight, whose id is already taken: an id counts
-- once every transaction of ten seconds after it was seen has ended.
-- Locks: the mark, skip locked.
create or replace function pawl.advance_mark(p_every bigint default 1000)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_newest bigint := coalesce(
    pg_sequence_last_value(pg_get_serial_sequence('pawl.outbox', 'effect_id')::regclass), 0);
  v_mark pawl.outbox_mark;
begin
  select * into v_mark from pawl.outbox_mark as m
  where v_newest >= m.settled + p_every
  for update skip locked;
  if not found then
    return;
  elsif v_mark.seen_at is null then
    update pawl.outbox_mark set seen = v_newest, seen_at = clock_timestamp() where only_row;
  elsif v_mark.seen_xid is null then
    -- An insert takes its id a moment before its transaction gets the xid that a snapshot shows.
    update pawl.outbox_mark set seen_xid = pg_snapshot_xmax(pg_current_snapshot())
    where only_row and seen_at < clock_timestamp() - interval '10 seconds';
  elsif pg_snapshot_xmin(pg_current_snapshot()) >= v_mark.seen_xid then
    update pawl.outbox_mark as m
    set settled = coalesce(
          (
            select min(o.effect_id) - 1
            from pawl.outbox as o
            where o.effect_id > m.settled and o.effect_id <= m.seen
              and not exists (select from pawl.effect_result as r where r.effect_id = o.effect_id)
          ),
          m.seen
        ),
        seen_at = null,
        seen_xid = null
    where m.only_row;
  end if;
end
$$;

comment on function pawl.advance_mark is
  'Move the mark from which claims read the outbox past what is settled, about every 1,000 effects';
