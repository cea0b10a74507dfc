-- Write the settings client_roles, authenticators and claim_names into the constants claims() reads.
-- A constant is folded into claims(); reading the row would double its price.
create or replace function pawl.write_roles()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text;
  v_body text;
begin
  foreach v_name in array array['client_roles', 'authenticators', 'claim_names'] loop
    v_body := format(
      ' select %L::text[] ',
      coalesce((select pawl.text_array(value) from pawl.setting where name = v_name), '{}')
    );
    if v_body is distinct from (
      select prosrc from pg_proc where oid = to_regprocedure(format('pawl.%I()', v_name))
    ) then
      execute format(
        'create or replace function pawl.%I() returns text[] language sql immutable as %L',
        v_name, v_body
      );
    end if;
  end loop;
end
$$;

comment on function pawl.write_roles is
  'Write the settings client_roles, authenticators and claim_names into the constants claims() reads';
