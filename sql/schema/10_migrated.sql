create type pawl.migrated as (
  iid bigint,
  id text,
  before text[],
  after text[],
  timers int,
  effects int,
  reason text
);
comment on type pawl.migrated is
  'What became of an instance in a migration: timers and effects that began; reason: why it stayed';
