-- Words as a person reads them: "a", "b".
create or replace function pawl.quoted_list(p_words text[])
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select '"' || array_to_string(p_words, '", "') || '"'
$$;

comment on function pawl.quoted_list is 'Words as a person reads them: "a", "b"';
