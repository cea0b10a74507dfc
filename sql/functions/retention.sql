-- How long settled effects and the journal are kept: as long as the machine that keeps them longest
-- says (`retention:`). One that says nothing keeps effects 14 days and the journal for ever: null.
create or replace function pawl.retention(out effects interval, out journal interval)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select
    coalesce(max(coalesce(v.retention, interval '14 days')), interval '14 days'),
    case when count(*) = count(v.retention) then max(v.retention) end
  from pawl.machine as m
  join pawl.version as v on v.machine = m.name and v.version = m.current_version
$$;

comment on function pawl.retention is 'How long settled effects and the journal are kept';
