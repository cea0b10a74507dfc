-- The four group roles, created if absent. Run by the installing user, before anything else.
--
-- pawl_owner owns everything; pawl_admin operates; pawl_worker performs effects and fires timers;
-- pawl_client holds the grants of end users. None can log in. The first three form a ladder, so
-- that "is trusted" is one question: does the role have the rights of pawl_worker?
do $roles$
declare
  v_role text;
  v_purpose text;
begin
  for v_role, v_purpose in
    values
      ('pawl_owner', 'Pawl: owns every object of Pawl'),
      ('pawl_admin', 'Pawl: trusted; operates machines and instances'),
      ('pawl_worker', 'Pawl: trusted; performs effects and fires timers'),
      ('pawl_client', 'Pawl: grants of the client roles; a member of it alone is nobody')
  loop
    if to_regrole(v_role) is null then
      begin
        execute format('create role %I nologin', v_role);
        execute format('comment on role %I is %L', v_role, v_purpose);
      exception
        when duplicate_object or unique_violation then
          null; -- another database of this cluster was installed at the same moment
      end;
    end if;
  end loop;

  if not pg_has_role('pawl_admin', 'pawl_worker', 'MEMBER') then
    grant pawl_worker to pawl_admin;
  end if;
  if not pg_has_role('pawl_owner', 'pawl_admin', 'MEMBER') then
    grant pawl_admin to pawl_owner;
  end if;

  -- Who installs without being superuser acts as pawl_owner from here on. Since Postgres 16 the
  -- creator of a role has the admin option on it, but neither inherits from it nor may set it.
  if (select rolsuper from pg_roles where rolname = current_user) then
    return;
  elsif current_setting('server_version_num')::int < 160000 then
    if not pg_has_role('pawl_owner', 'USAGE') then
      execute format('grant pawl_owner to %I', current_user);
    end if;
  elsif not (pg_has_role('pawl_owner', 'USAGE') and pg_has_role('pawl_owner', 'SET')) then
    execute format('grant pawl_owner to %I with inherit true, set true', current_user);
  end if;
end
$roles$;
