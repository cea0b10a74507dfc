-- Drop the partitions that an earlier sweep took out of their table: nobody waits for that.
-- Returns how many. Locks: they.
create or replace function pawl.drop_detached()
returns int
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text;
  v_count int := 0;
begin
  for v_name in delete from pawl.detached returning name loop
    execute format('drop table if exists pawl.%I', v_name);
    v_count := v_count + 1;
  end loop;
  return v_count;
end
$$;

comment on function pawl.drop_detached is
  'Drop the partitions that an earlier sweep took out of their table';
