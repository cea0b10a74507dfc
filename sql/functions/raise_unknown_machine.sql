-- Say that no machine has this name.
-- Raises PT404, PT400 for null.
create or replace function pawl.raise_unknown_machine(p_machine text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_machine is null then
    perform pawl.raise_null_argument('machine');
  end if;
  perform pawl.raise_error(
    'PT404',
    'unknown_machine',
    format('machine "%s" does not exist', p_machine),
    jsonb_build_object('machine', p_machine),
    pawl.did_you_mean(p_machine, array(select name from pawl.machine order by name))
  );
end
$$;

comment on function pawl.raise_unknown_machine is 'Say that no machine has this name';
