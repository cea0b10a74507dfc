-- Refuse a change that breaks a constraint, naming it, without the values of the row.
-- The message of a missing value names its column first; Postgres gives it no constraint name.
-- Raises PT422.
create or replace function pawl.raise_violation(
  p_sqlstate text,
  p_message text,
  p_constraint text,
  p_detail jsonb
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_field text := substring(p_message from '"([^"]+)"');
  v_who text := format('%s "%s"', p_detail ->> 'machine', p_detail ->> 'id');
begin
  if p_sqlstate = '23502' then
    perform pawl.raise_error('PT422', 'not_null_violated',
      format('field "%s" of %s must have a value', v_field, v_who),
      p_detail || jsonb_build_object('field', v_field), 'Give it a value.');
  end if;
  perform pawl.raise_error('PT422', 'constraint_violated',
    format('%s would break constraint "%s"', v_who, p_constraint),
    p_detail || jsonb_build_object('constraint', p_constraint, 'sqlstate', p_sqlstate),
    'Send values that the constraint admits.');
end
$$;

comment on function pawl.raise_violation is
  'Refuse a change that breaks a constraint, naming it, without the values of the row';
