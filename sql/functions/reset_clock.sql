-- Let the real time run again.
-- Locks: the clock's row.
create or replace function pawl.reset_clock()
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update pawl.clock set frozen_at = null, shift = interval '0' where only_row;
  perform pawl.write_now();
end
$$;

comment on function pawl.reset_clock is 'Let the real time run again';
