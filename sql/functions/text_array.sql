-- The elements of a JSON array as text, null for null; what typed array payloads are cast from.
create or replace function pawl.text_array(p_array jsonb)
returns text[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_array is null or jsonb_typeof(p_array) = 'null' then null
    else array(
      select e.value from jsonb_array_elements_text(p_array) with ordinality as e (value, place)
      order by e.place
    )
  end
$$;

comment on function pawl.text_array is
  'The elements of a JSON array as text, null for null; what typed array payloads are cast from';
