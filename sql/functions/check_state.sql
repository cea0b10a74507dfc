-- Refuse a configuration that names what is no leaf of the version, or names it twice.
-- Raises PT400, PT422.
create or replace function pawl.check_state(p_machine text, p_version int, p_state text[])
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_known text[] := states
    from pawl.version as v where v.machine = p_machine and v.version = p_version;
  v_leaf text;
begin
  if p_state is null then
    perform pawl.raise_null_argument('state');
  end if;
  select l.leaf into v_leaf
  from unnest(p_state) as l (leaf)
  where l.leaf is null or l.leaf <> all (v_known)
  limit 1;
  if found or p_state = '{}' then
    perform pawl.raise_error(
      'PT422',
      'unknown_state',
      format('version %s of machine "%s" cannot be in state "%s"', p_version, p_machine, v_leaf),
      jsonb_build_object('machine', p_machine, 'version', p_version, 'state', v_leaf,
        'states', v_known),
      pawl.did_you_mean(v_leaf, v_known)
    );
  elsif cardinality(p_state) <> (select count(distinct l.leaf) from unnest(p_state) as l (leaf)) then
    perform pawl.raise_error(
      'PT422',
      'repeated_state',
      format('state "%s" names a leaf twice', array_to_string(p_state, ', ')),
      jsonb_build_object('machine', p_machine, 'version', p_version, 'state', p_state),
      'Name each active leaf once, in the order of the definition.'
    );
  end if;
end
$$;

comment on function pawl.check_state is
  'Refuse a configuration that names what is no leaf of the version, or names it twice';
