-- The items of a JSON array, in order, for foreach.
-- Raises 22023 if it is none.
create or replace function pawl.json_items(p_array jsonb)
returns jsonb[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if jsonb_typeof(p_array) is distinct from 'array' then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = 'this is no array';
  end if;
  return array(
    select e.item
    from jsonb_array_elements(p_array) with ordinality as e (item, place)
    order by e.place
  );
end
$$;

comment on function pawl.json_items is 'The items of a JSON array, in order, for foreach';
