-- Where a look for what is due begins: at the least due time, or where note_look says. p_at names
-- the table.
create or replace function pawl.look_from(p_at text)
returns timestamptz
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select case
    when clock_timestamp() < to_timestamp(split_part(l.noted, ' ', 2)::float8)
      then to_timestamp(split_part(l.noted, ' ', 1)::float8)
    else '-infinity'
  end
  from (select nullif(current_setting('pawl.look_at_' || p_at, true), '') as noted) as l
$$;

comment on function pawl.look_from is
  'Where a look for what is due begins: at the least due time, or where note_look says';
