-- A message with the place in the definition where its error arose, if that is known:
-- "division by zero, at order.machine.yaml:31 (context size)". What a migration keeps as its reason.
create or replace function pawl.with_source(p_message text, p_context text)
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select p_message || coalesce(
    ', at ' || (s.source ->> 'source') || format(' (%s)', s.source ->> 'label'), '')
  from pawl.source_of(p_context) as s (source)
$$;

comment on function pawl.with_source is
  'A message with the place in the definition where its error arose, if that is known';
