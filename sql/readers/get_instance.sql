-- The instance as send_event returns it. Runs with the caller's rights: row security decides.
-- Raises PT401, PT403, PT404.
create or replace function :"api_schema".get_instance(machine text, id text)
returns jsonb
language sql stable
begin atomic
  select coalesce(
    pawl.read_reply(get_instance.machine, get_instance.id),
    pawl.absent(get_instance.machine, get_instance.id)
  );
end;

comment on function :"api_schema".get_instance is 'The instance as send_event returns it';
