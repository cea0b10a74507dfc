-- Whether any leaf of a configuration lies below a path: in_state() for parallel states.
-- A client may run it in a read rule, under any search_path: every name is qualified.
create or replace function pawl.in_region(p_state text[], p_path text)
returns boolean
language plpgsql immutable
as $$
declare
  v_leaf text;
begin
  foreach v_leaf in array p_state loop
    if pg_catalog.starts_with(v_leaf, p_path operator(pg_catalog.||) '.') then
      return true;
    end if;
  end loop;
  return false;
end
$$;

comment on function pawl.in_region is
  'Whether any leaf of a configuration lies below a path: in_state() for parallel states';
