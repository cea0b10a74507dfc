-- The context fields that a JSON object gives, as the rest of a column list: ", total, reason".
-- Raises PT400 for one that the machine lacks.
create or replace function pawl.context_columns(p_machine text, p_id text, p_context jsonb)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_known text[];
  v_given text[] := array(select k from jsonb_object_keys(p_context) as k order by k);
  v_field text;
begin
  select array_agg(a.attname::text order by a.attnum) into v_known
  from pg_attribute as a
  where a.attrelid = (
      select to_regclass(format('%I.instance', m.schema_name))
      from pawl.machine as m where m.name = p_machine
    )
    and a.attnum > 0
    and not a.attisdropped
    and a.attname <> all (pawl.reserved_columns());
  foreach v_field in array v_given loop
    if v_field <> all (v_known) then
      perform pawl.raise_malformed_input(
        p_machine, p_id,
        format('there is no field "%s"; %s', v_field, pawl.did_you_mean(v_field, v_known)));
    end if;
  end loop;
  return coalesce((select string_agg(format(', %I', f), '') from unnest(v_given) as f), '');
end
$$;

comment on function pawl.context_columns is
  'The context fields that a JSON object gives, as the rest of a column list: ", total, reason"';
