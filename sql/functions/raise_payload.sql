-- Refuse a payload, naming the first field that is missing, of another type, or not declared.
-- p_fields is {"prep_minutes": {"type": "integer", "required": true}}.
-- Raises PT400.
create or replace function pawl.raise_payload(
  p_machine text,
  p_event text,
  p_payload jsonb,
  p_fields jsonb
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_field text;
  v_declared jsonb;
begin
  if jsonb_typeof(p_payload) is distinct from 'object' then
    perform pawl.raise_bad_field(p_machine, p_event, null, 'not an object', null);
  end if;
  for v_field, v_declared in select key, value from jsonb_each(p_fields) order by key loop
    if p_payload -> v_field is null or p_payload -> v_field = 'null' then
      if (v_declared ->> 'required')::boolean then
        perform pawl.raise_bad_field(p_machine, p_event, v_field, 'missing', v_declared ->> 'type');
      end if;
    elsif not pawl.reads_as(p_payload -> v_field, v_declared ->> 'type') then
      perform pawl.raise_bad_field(p_machine, p_event, v_field, 'type', v_declared ->> 'type');
    end if;
  end loop;
  for v_field in select k from jsonb_object_keys(p_payload) as k order by k loop
    if v_field <> 'type' and not p_fields ? v_field then
      perform pawl.raise_bad_field(
        p_machine, p_event, v_field, 'unknown', null,
        array(select k from jsonb_object_keys(p_fields) as k order by k)
      );
    end if;
  end loop;
  perform pawl.raise_bad_field(p_machine, p_event, null, 'malformed', null);
end
$$;

comment on function pawl.raise_payload is
  'Refuse a payload, naming the first field that is missing, of another type, or not declared';
