-- Where the first name of a path ends: the place of its first dot that is not written "\.", or 0.
create or replace function pawl.name_end(p_path text)
returns int
language sql immutable
as $$
  select case
    when strpos(p_path, '\.') = 0 then strpos(p_path, '.')
    else strpos(replace(p_path, '\.', '\\'), '.')
  end
$$;

comment on function pawl.name_end is
  'Where the first name of a path ends: the place of its first dot that is not written "\.", or 0';
