-- Give pawl.now() the body that the clock's row asks for: the plain one, or one that reads the row.
-- Locks: the clock's row must be locked by the caller.
create or replace function pawl.write_now()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_moved boolean := frozen_at is not null or shift <> interval '0' from pawl.clock;
  v_reads_row boolean := strpos(prosrc, 'pawl.clock') > 0
    from pg_proc where oid = 'pawl.now()'::regprocedure;
begin
  if v_moved and not v_reads_row then
    create or replace function pawl.now()
    returns timestamptz
    language sql volatile
    as 'select coalesce(frozen_at, pg_catalog.clock_timestamp() + shift) from pawl.clock';
  elsif v_reads_row and not v_moved then
    create or replace function pawl.now()
    returns timestamptz
    language sql volatile
    as 'select pg_catalog.clock_timestamp()';
  end if;
end
$$;

comment on function pawl.write_now is
  'Give pawl.now() the body that the clock''s row asks for';
