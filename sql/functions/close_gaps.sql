-- Forget the gaps whose transactions have ended: ten seconds after a gap was seen, since an insert
-- takes its id a moment before its transaction gets the xid that a snapshot shows, note the next
-- xid; when no older transaction runs, what is not there will never be.
-- Locks: gaps, skip locked.
create or replace function pawl.close_gaps()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_over bigint[];
begin
  update pawl.outbox_gap
  set seen_xid = pg_snapshot_xmax(pg_current_snapshot())
  where seen_xid is null and seen_at < clock_timestamp() - interval '10 seconds';
  v_over := array(
    select g.first_id from pawl.outbox_gap as g
    where g.seen_xid <= pg_snapshot_xmin(pg_current_snapshot())
    for update skip locked
  );
  delete from pawl.outbox_gap as g
  where g.first_id = any (v_over)
    and not exists (
      select from pawl.outbox as o
      where o.effect_id between g.first_id and g.last_id
        and not exists (select from pawl.lease as l where l.effect_id = o.effect_id)
        and not exists (select from pawl.effect_result as r where r.effect_id = o.effect_id)
    );
end
$$;

comment on function pawl.close_gaps is 'Forget the gaps whose transactions have ended';
