-- Where in the definition an error arose, from its CONTEXT: {"source": "order.machine.yaml:31",
-- "label": "offered --accept--> preparing"}; null if no generated function is in it.
-- Generated code has a comment "-- file:line  label" before each arm; the nearest one above counts.
create or replace function pawl.source_of(p_context text)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_frame_like constant text :=
    '((?:"pawl_(?:[^"]|"")*"|pawl_[[:alnum:]_$]*)\.(?:"(?:[^"]|"")+"|[[:alnum:]_$]+)\([^()]*\))'
    '[^\n0-9]*(\d+)';
  v_frame text[];
  v_code text;
  v_line text[];
begin
  -- The words between signature and line number depend on lc_messages, so they are skipped.
  for v_frame in select regexp_matches(p_context, v_frame_like, 'g')
  loop
    v_code := prosrc from pg_proc where oid = to_regprocedure(v_frame[1]);
    continue when v_code is null;
    for v_place in reverse v_frame[2]::int .. 1 loop
      v_line := regexp_match(
        split_part(v_code, e'\n', v_place), '^\s*-- (\S.*?:\d+)(?:  (.*))?$');
      if v_line is not null then
        return jsonb_build_object('source', v_line[1], 'label', coalesce(v_line[2], ''));
      end if;
    end loop;
  end loop;
  return null;
end
$$;

comment on function pawl.source_of is
  'Where in the definition an error arose, from its CONTEXT';
