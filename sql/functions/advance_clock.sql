-- Move the time forward (or back), whether it stands or runs; for tests.
-- Locks: the clock's row.
create or replace function pawl.advance_clock(p_by interval)
returns timestamptz
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_by is null then
    perform pawl.raise_null_argument('p_by');
  end if;
  update pawl.clock
  set frozen_at = frozen_at + p_by,
      shift = case when frozen_at is null then shift + p_by else shift end
  where only_row;
  perform pawl.write_now();
  return (select coalesce(frozen_at, clock_timestamp() + shift) from pawl.clock);
end
$$;

comment on function pawl.advance_clock is
  'Move the time forward (or back), whether it stands or runs; for tests';
