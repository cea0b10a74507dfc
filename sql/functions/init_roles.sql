-- Name the roles of end users, the login roles whose claims count, and single claims to read.
-- Null leaves a list as it is. Runs with the caller's rights: granting roles needs them.
-- Raises PT400 for a role that is missing, can log in, is trusted, or skips row security.
create or replace function pawl.init_roles(
  p_clients name[],
  p_authenticators name[],
  p_claim_names text[] default null
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_role name;
begin
  foreach v_role in array coalesce(p_clients, '{}') loop
    perform pawl.check_client_role(v_role);
    if not pg_has_role(v_role, 'pawl_client', 'USAGE') then
      execute format('grant pawl_client to %I', v_role);
    end if;
    perform pawl.limit_role(v_role);
  end loop;
  foreach v_role in array coalesce(p_authenticators, '{}') loop
    if to_regrole(quote_ident(v_role)) is null then
      perform pawl.raise_bad_role(v_role, 'does not exist', 'Create it first.');
    end if;
    perform pawl.limit_role(v_role);
  end loop;

  insert into pawl.setting (name, value)
  select s.name, to_jsonb(s.value)
  from (
    values
      ('client_roles', p_clients::text[]),
      ('authenticators', p_authenticators::text[]),
      ('claim_names', p_claim_names)
  ) as s (name, value)
  where s.value is not null
  on conflict (name) do update set value = excluded.value;
  perform pawl.write_roles();
end
$$;

comment on function pawl.init_roles is
  'Name the roles of end users, the login roles whose claims count, and single claims to read';
