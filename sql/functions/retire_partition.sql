-- Take the oldest partition whose time is over out of the outbox, or else out of the journal; one in
-- a transaction, so that no sender waits for a second. Returns whether it did.
-- An outbox partition is over when its ids are all below the mark, and in no gap.
-- Locks: see detach_outbox_part.
create or replace function pawl.retire_partition()
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := pawl.now();
  v_keep record;
  v_first bigint;
begin
  select * into v_keep from pawl.retention();
  select p.first_id into v_first
  from pawl.outbox_part as p
  join pawl.outbox_mark as m on m.passed >= p.last_id
  where p.ended_at < v_now - v_keep.effects
    and not exists (
      select from pawl.outbox_gap as g where g.first_id <= p.last_id and g.last_id >= p.first_id
    )
  order by p.first_id
  limit 1;
  return (v_first is not null and pawl.detach_outbox_part(v_first, v_now - v_keep.effects))
    or coalesce(pawl.detach_journal_month(clock_timestamp() - v_keep.journal), false);
end
$$;

comment on function pawl.retire_partition is
  'Take the oldest partition whose time is over out of the outbox, or else out of the journal';
