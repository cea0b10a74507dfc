-- Get an instance, or begin it if it is absent.
-- A caller who may not read it is told, as by create_instance, that the name is taken.
-- Locks: the new row. Raises what create_instance and get_instance raise.
create or replace function :"api_schema".ensure_instance(
  machine text,
  id text,
  input jsonb default '{}',
  version int default null
)
returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reply jsonb;
begin
  if pawl.claims() is null then
    v_reply := pawl.route_reply(machine, id);
    if v_reply is not null then
      return v_reply;
    end if;
  end if;
  return :"api_schema".create_instance(machine, id, input, version);
exception
  when sqlstate 'PT409' then
    -- Somebody else began it after we looked.
    if pawl.claims() is null then
      v_reply := pawl.route_reply(machine, id);
      if v_reply is not null then
        return v_reply;
      end if;
    end if;
    raise;
end
$$;

comment on function :"api_schema".ensure_instance is
  'Get an instance, or begin it with its input if it is absent';
