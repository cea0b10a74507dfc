-- Cut a macrostep that does not come to rest.
-- Raises PT422.
create or replace function pawl.raise_endless(p_machine text, p_id text, p_states text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pawl.raise_error(
    'PT422',
    'endless_loop',
    format('%s "%s" does not come to rest: it keeps passing through "%s"', p_machine, p_id,
      array_to_string(p_states, '", "')),
    jsonb_build_object('machine', p_machine, 'id', p_id, 'states', p_states),
    'Give one of its "always" or "raise" a guard that becomes false.'
  );
end
$$;

comment on function pawl.raise_endless is 'Cut a macrostep that does not come to rest';
