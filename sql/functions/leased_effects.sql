-- The names of the effects that have a lease: one probe of the index for each, not a scan.
create or replace function pawl.leased_effects()
returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with recursive name (effect) as (
    (select l.effect from pawl.lease as l order by l.effect limit 1)
    union all
    select (
      select l.effect from pawl.lease as l
      where l.effect > n.effect
      order by l.effect
      limit 1
    )
    from name as n
    where n.effect is not null
  )
  select coalesce(array_agg(n.effect), '{}') from name as n where n.effect is not null
$$;

comment on function pawl.leased_effects is 'The names of the effects that have a lease';
