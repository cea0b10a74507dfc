-- Write the settings client_roles, authenticators and claim_names into the constants claims() reads.
-- A constant is folded into claims(); reading the row would double its price.
-- quick_claims() is made anew, as it is: a plan that has it inlined depends on it, and not on what
-- it calls, and would go on with the lists of before.
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
  execute pg_get_functiondef('pawl.quick_claims()'::regprocedure);
end
$$;

comment on function pawl.write_roles is
  'Write the settings client_roles, authenticators and claim_names into the constants claims() reads';
