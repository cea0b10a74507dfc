-- Get an instance, or begin it if it is absent. Runs with the caller's rights, as get_instance does.
-- A caller who may not read it is told, as by create_instance, that the name is taken.
-- Locks: the new row. Raises what create_instance and get_instance raise.
create or replace function :"api_schema".ensure_instance(
  machine text,
  id text,
  input jsonb default '{}',
  version int default null
)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_message text;
  v_detail text;
  v_hint text;
begin
  begin
    return :"api_schema".get_instance(machine, id);
  exception
    when sqlstate 'PT404' then
      null;
  end;
  return :"api_schema".create_instance(machine, id, input, version);
exception
  when sqlstate 'PT409' then
    -- It is not for this caller, or somebody else began it after we looked.
    get stacked diagnostics
      v_message = message_text,
      v_detail = pg_exception_detail,
      v_hint = pg_exception_hint;
    begin
      return :"api_schema".get_instance(machine, id);
    exception
      when sqlstate 'PT404' then
        raise exception using
          errcode = 'PT409', message = v_message, detail = v_detail, hint = v_hint;
    end;
end
$$;

comment on function :"api_schema".ensure_instance is
  'Get an instance, or begin it with its input if it is absent';
