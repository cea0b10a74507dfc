-- Limit how long sessions of a role may run, wait and be idle: nobody holds others up for long.
-- What the role has set already stays. Runs with the caller's rights; warns where they end.
create or replace function pawl.limit_role(p_role name)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text;
  v_value text;
begin
  for v_name, v_value in
    values
      ('statement_timeout', '8s'),
      ('lock_timeout', '4s'),
      ('idle_in_transaction_session_timeout', '10s')
  loop
    if not exists (
      select
      from pg_db_role_setting as s
      join pg_roles as r on r.oid = s.setrole
      cross join unnest(s.setconfig) as c (entry)
      where r.rolname = p_role and split_part(c.entry, '=', 1) = v_name
    ) then
      execute format('alter role %I set %I = %L', p_role, v_name, v_value);
    end if;
  end loop;
exception
  when insufficient_privilege then
    raise warning 'role "%" keeps no limit of its own on %', p_role, v_name
      using hint = format('Have a superuser run: alter role %I set %I = %L', p_role, v_name, v_value);
end
$$;

comment on function pawl.limit_role is
  'Limit how long sessions of a role may run, wait and be idle';
