-- Refuse an id or input with which no instance can begin.
-- Raises PT400, PT413.
create or replace function pawl.check_new(p_machine text, p_id text, p_input jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_id is null then
    perform pawl.raise_null_argument('id');
  elsif octet_length(p_id) not between 1 and 255 then
    perform pawl.raise_malformed_id(p_machine, p_id);
  elsif p_input is null then
    perform pawl.raise_null_argument('input');
  elsif jsonb_typeof(p_input) <> 'object' then
    perform pawl.raise_malformed_input(p_machine, p_id, 'it is not a JSON object');
  end if;
  perform pawl.check_size('the input', p_input);
end
$$;

comment on function pawl.check_new is 'Refuse an id or input with which no instance can begin';
