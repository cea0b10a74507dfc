-- The live timers of an SCXML send with this id. Each has a name of its own,
-- "raise <id> <seq>.<number>", for several may be pending.
create or replace function pawl.scxml_timers(p_timers jsonb, p_id text)
returns text[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select array(
    select t.name from jsonb_object_keys(p_timers) as t (name)
    where regexp_replace(t.name, ' \d+\.\d+$', '') = 'raise ' || p_id
  )
$$;

comment on function pawl.scxml_timers is 'The live timers of an SCXML send with this id';
