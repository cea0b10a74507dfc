-- From now on the instances of a machine tell their macrosteps to the parents that ask for it
-- (`onSnapshot`); called when such a parent, p_observer, is deployed. Again: nothing changes.
-- Locks: the machine's table against other DDL and writers, for a moment.
create or replace function pawl.observe_machine(p_machine text, p_observer text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table regclass := (
    select to_regclass(format('%I.instance', m.schema_name))
    from pawl.machine as m
    where m.name = p_machine
  );
begin
  if v_table is null then
    perform pawl.raise_error('42P01', 'not_deployed',
      format('%s observes machine %s, which is not deployed', p_observer, p_machine),
      jsonb_build_object('machine', p_machine),
      format('deploy %s before %s', p_machine, p_observer));
  end if;
  if not exists (select from pg_trigger where tgrelid = v_table and tgname = 'tell_snapshot') then
    execute format(
      'create trigger tell_snapshot after insert or update of seq on %s'
      ' for each row execute function pawl.tell_snapshot(%L)',
      v_table, p_machine);
  end if;
end
$$;

comment on function pawl.observe_machine is
  'From now on the instances of a machine tell their macrosteps to the parents that ask for it';
