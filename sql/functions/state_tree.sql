-- The paths of leaves as a tree: one leaf below a state is its name, several are an object.
-- A dot inside a name is written "\." in paths. An atomic region, like an atomic root, is {}.
create or replace function pawl.state_tree(p_state text[])
returns jsonb
language plpgsql stable
as $$
declare
  v_leaf text;
  v_dot int;
  v_name text;
  v_key text;
  v_below text[];
  v_tree jsonb := jsonb_build_object();
begin
  if cardinality(p_state) = 1 and p_state[1] <> '' and pawl.name_end(p_state[1]) = 0 then
    return to_jsonb(replace(p_state[1], '\.', '.'));
  end if;
  -- Leaves of one state stand together, in document order; a null ends the last group.
  foreach v_leaf in array p_state || null::text loop
    v_dot := pawl.name_end(v_leaf);
    v_name := case when v_dot > 0 then left(v_leaf, v_dot - 1) else v_leaf end;
    if v_name is distinct from v_key then
      if v_key <> '' then
        v_tree := v_tree || jsonb_build_object(
          replace(v_key, '\.', '.'),
          case when v_below is null then jsonb_build_object() else pawl.state_tree(v_below) end
        );
      end if;
      v_key := v_name;
      v_below := null;
    end if;
    if v_dot > 0 then
      v_below := v_below || substr(v_leaf, v_dot + 1);
    end if;
  end loop;
  return v_tree;
end
$$;

comment on function pawl.state_tree is
  'The paths of leaves as a tree: one leaf below a state is its name, several are an object';
