create table pawl.machine (
  name text primary key,
  current_version int not null,
  schema_name text not null unique,
  api_objects text[] not null default '{}',
  preparing jsonb
);
comment on table pawl.machine is 'Deployed machines';
comment on column pawl.machine.current_version is 'the version that new instances take';
comment on column pawl.machine.schema_name is 'where its instance table and functions are';
comment on column pawl.machine.api_objects is
  'its functions in the API schema, which the next version''s take the place of';
comment on column pawl.machine.preparing is
  'the columns that a deploy under way has added, and the hash of what it deploys';

create table pawl.version (
  machine text not null,
  version int not null,
  hash text not null,
  source text not null,
  companion text,
  impl text,
  sql text,
  definition_file text not null,
  compiler text not null,
  strict boolean not null,
  events text[] not null default '{}',
  states text[],
  retention interval,
  columns jsonb not null default '{}',
  dropped text[] not null default '{}',
  deployed_at timestamptz not null default clock_timestamp(),
  deployed_by text not null default session_user,
  collected_at timestamptz,
  lazily_to int,
  primary key (machine, version),
  constraint versions_count_from_one check (version > 0)
);
comment on table pawl.version is 'Versions of machines; immutable once deployed';
comment on column pawl.version.hash is 'of the definition, never of the process that deployed it';
comment on column pawl.version.source is 'the definition as it was written';
comment on column pawl.version.companion is 'the Python file beside the definition, if it had one';
comment on column pawl.version.impl is 'the .impl.yaml beside a definition in JSON, if it had one';
comment on column pawl.version.sql is
  'what deploy ran for it; deploy --dry-run compares with this';
comment on column pawl.version.dropped is
  'columns of a collected version that no other one has, and that were dropped';
comment on column pawl.version.columns is
  'columns of the instance table that keep fields under another name: field -> column';
comment on column pawl.version.compiler is 'version of the compiler';
comment on column pawl.version.strict is 'an event that is not taken is refused, not ignored';
comment on column pawl.version.events is 'names of the declared events';
comment on column pawl.version.states is
  'paths that can be a leaf: what import_instance and force_state accept; null: not recorded';
comment on column pawl.version.collected_at is
  'when its functions were dropped, since no instance had it; null: it can run';
comment on column pawl.version.lazily_to is
  'the version that its instances are migrated to when they are touched; null: they stay';
comment on column pawl.version.retention is
  'how long journal and settled effects are kept at least; null: 14 days, the journal for ever';
