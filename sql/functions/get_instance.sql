-- The instance as send_event returns it.
-- Raises PT401, PT403, PT404.
create or replace function :"api_schema".get_instance(machine text, id text)
returns jsonb
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reply jsonb;
begin
  perform pawl.require_reader(machine, id);
  v_reply := pawl.route_reply(machine, id);
  if v_reply is null then
    perform pawl.raise_not_found(machine, id);
  end if;
  return v_reply;
end
$$;

comment on function :"api_schema".get_instance is 'The instance as send_event returns it';
