-- Refuse what is no configuration of the version; returns its status, running or done.
-- Raises PT400, PT422.
create or replace function pawl.check_state(p_machine text, p_version int, p_state text[])
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_known text[] := states
    from pawl.version as v where v.machine = p_machine and v.version = p_version;
  v_leaf text;
  v_status text;
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
  end if;

  execute format(
    'select %I.%I($1)',
    (select m.schema_name from pawl.machine as m where m.name = p_machine),
    format('v%s_status', p_version)
  )
  into v_status
  using p_state;
  if v_status is null then
    perform pawl.raise_error(
      'PT422',
      'illegal_state',
      format('"%s" is no configuration of version %s of machine "%s"',
        array_to_string(p_state, ', '), p_version, p_machine),
      jsonb_build_object('machine', p_machine, 'version', p_version, 'state', p_state),
      'Name the active leaf of every region once, in the order of the definition.'
    );
  end if;
  return v_status;
end
$$;

comment on function pawl.check_state is
  'Refuse what is no configuration of the version; returns its status, running or done';
