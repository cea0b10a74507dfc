-- Refuse a JSON value of more than 1 MB as Postgres keeps it.
-- Raises PT413.
create or replace function pawl.check_size(p_what text, p_value jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if pg_column_size(p_value) > 1048576 then
    perform pawl.raise_too_large(p_what, pg_column_size(p_value), 1048576);
  end if;
end
$$;

comment on function pawl.check_size is 'Refuse a JSON value of more than 1 MB as Postgres keeps it';
