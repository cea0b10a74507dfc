-- The paths of leaves as a tree: one leaf below a state is its name, several are an object.
-- A dot inside a name is written "\." in paths. An atomic region, like an atomic root, is {}.
create or replace function pawl.state_tree(p_state text[])
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_step constant text := '^((?:[^.\\]|\\.)+)(?:\.(.+))?$';
  v_key text;
  v_below text[];
  v_tree jsonb := jsonb_build_object();
begin
  for v_key, v_below in
    select s.part[1], array_agg(s.part[2] order by s.place) filter (where s.part[2] is not null)
    from (
      select regexp_match(l.path, v_step) as part, l.place
      from unnest(p_state) with ordinality as l (path, place)
    ) as s
    where s.part is not null
    group by s.part[1]
    order by min(s.place)
  loop
    v_tree := v_tree || jsonb_build_object(
      replace(v_key, '\.', '.'),
      case when v_below is not null then pawl.state_tree(v_below) else '{}' end
    );
  end loop;
  if (select count(*) from jsonb_object_keys(v_tree)) = 1 and v_below is null
    and v_key is not null
  then
    return to_jsonb(replace(v_key, '\.', '.'));
  end if;
  return v_tree;
end
$$;

comment on function pawl.state_tree is
  'The paths of leaves as a tree: one leaf below a state is its name, several are an object';
