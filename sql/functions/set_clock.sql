-- Stop the time at a moment; for tests.
-- Locks: the clock's row.
create or replace function pawl.set_clock(p_at timestamptz)
returns timestamptz
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_at is null then
    perform pawl.raise_null_argument('p_at');
  end if;
  update pawl.clock set frozen_at = p_at, shift = interval '0' where only_row;
  perform pawl.write_now();
  return p_at;
end
$$;

comment on function pawl.set_clock is 'Stop the time at a moment; for tests';
