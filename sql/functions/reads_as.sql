-- Whether a JSON value can be read as an SQL type; for telling what is wrong with a payload.
-- What is not the name of a type is never executed.
create or replace function pawl.reads_as(p_value jsonb, p_type text)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_type regtype := to_regtype(p_type);
  v_kind "char" := typcategory from pg_type where oid = v_type;
begin
  if v_type is null then
    return true;
  elsif v_type in ('jsonb'::regtype, 'json'::regtype) then
    return true;
  elsif (jsonb_typeof(p_value) = 'array') is distinct from (v_kind = 'A') then
    return false;
  elsif jsonb_typeof(p_value) = 'object' and v_kind <> 'C' then
    return false;
  elsif jsonb_typeof(p_value) <> 'string' and v_kind in ('S', 'D', 'T') then
    return false; -- text, dates and times, intervals
  elsif jsonb_typeof(p_value) <> 'boolean' and v_kind = 'B' then
    return false;
  elsif v_kind = 'A' then
    execute format('select cast(pawl.text_array($1) as %s)', v_type) using p_value;
  else
    execute format('select cast($1 as %s)', v_type) using p_value #>> '{}';
  end if;
  return true;
exception
  when data_exception or integrity_constraint_violation or cannot_coerce then
    return false;
end
$$;

comment on function pawl.reads_as is
  'Whether a JSON value can be read as an SQL type; for telling what is wrong with a payload';
