-- The time, as every part of Pawl sees it.
-- This is the production body: inlined, it costs what clock_timestamp() costs. While tests have
-- moved the clock, pawl.write_now() puts a body in its place that reads pawl.clock.
create or replace function pawl.now()
returns timestamptz
language sql volatile
as 'select pg_catalog.clock_timestamp()';

comment on function pawl.now is 'The time, as every part of Pawl sees it';
