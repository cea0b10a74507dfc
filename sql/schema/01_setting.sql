create table pawl.schema_version (
  version int primary key,
  name text not null,
  applied_at timestamptz not null default clock_timestamp()
);
comment on table pawl.schema_version is 'The migrations of the runtime schema that this database has';

create table pawl.setting (
  name text primary key,
  value jsonb not null
);
comment on table pawl.setting is
  'What was chosen at install: api_schema, client_roles, authenticators, claim_names';

create table pawl.clock (
  only_row boolean primary key default true,
  frozen_at timestamptz,
  shift interval not null default '0',
  constraint there_is_one_clock check (only_row)
);
comment on table pawl.clock is
  'How tests move the time; pawl.now() reads it only while it is moved (see pawl.write_now)';
comment on column pawl.clock.frozen_at is 'the time stands still here; null: it runs';
comment on column pawl.clock.shift is 'added to the running time';
insert into pawl.clock default values;
