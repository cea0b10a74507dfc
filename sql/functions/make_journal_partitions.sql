-- Make the journal's partitions of this month and the months ahead, in UTC.
-- Rows of such a month that went to the default partition move. Returns how many it made.
-- Locks: the default partition, while one is made.
create or replace function pawl.make_journal_partitions(p_ahead int default 3)
returns int
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_from timestamp;
  v_name text;
  v_count int := 0;
begin
  for v_from in
    select generate_series(
      date_trunc('month', clock_timestamp() at time zone 'utc'),
      date_trunc('month', clock_timestamp() at time zone 'utc') + p_ahead * interval '1 month',
      interval '1 month')
  loop
    v_name := to_char(v_from, '"journal_"YYYY_MM');
    if to_regclass(format('pawl.%I', v_name)) is null then
      perform pawl.make_journal_partition(
        v_name, v_from at time zone 'utc', (v_from + interval '1 month') at time zone 'utc');
      v_count := v_count + 1;
    end if;
  end loop;
  return v_count;
end
$$;

comment on function pawl.make_journal_partitions is
  'Make the journal''s partitions of this month and the months ahead, in UTC';
