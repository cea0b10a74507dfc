-- The claims that PostGraphile sets one by one (jwt.claims.sub), for the names opted into.
create or replace function pawl.single_claims()
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select json_object_agg(c.name, c.value)::text
  from (
    select n.name, nullif(current_setting('jwt.claims.' || n.name, true), '') as value
    from unnest(pawl.claim_names()) as n (name)
  ) as c
  where c.value is not null
$$;

comment on function pawl.single_claims is
  'The claims that PostGraphile sets one by one (jwt.claims.sub), for the names opted into';
