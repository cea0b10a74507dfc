-- Let a paused instance run on.
-- Locks: the instance.
-- Raises PT403, PT404, PT409.
create or replace function :"api_schema".resume_instance(machine text, id text)
returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_instance record := pawl.lock_instance('resume_instance', machine, id);
begin
  if v_instance.status <> 'paused' then
    perform pawl.raise_not_paused(machine, id, v_instance.status);
  end if;
  return pawl.change_instance(machine, id, '{"type": "pawl.resume"}', 'running', null, false);
end
$$;

comment on function :"api_schema".resume_instance is 'Let a paused instance run on';
