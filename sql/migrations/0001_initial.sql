-- 0001: the runtime schema as first released.

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

create table pawl.effect_policy (
  machine text not null,
  version int not null,
  effect text not null,
  timeout interval not null default '30 seconds',
  attempts int not null default 1,
  backoff_first interval not null default '1 second',
  backoff_most interval not null default '5 minutes',
  not_retried text[] not null default '{}',
  heartbeat interval,
  start_within interval,
  priority int not null default 0,
  slots int,
  slots_per text,
  rate int,
  rate_per interval,
  rate_by text,
  primary key (machine, version, effect),
  constraint attempts_count_from_one check (attempts > 0),
  constraint durations_are_positive check (
    timeout > interval '0' and backoff_first >= interval '0' and backoff_most >= backoff_first
    and heartbeat > interval '0' and start_within > interval '0' and rate_per > interval '0'
  ),
  constraint limits_are_positive check (slots > 0 and rate > 0),
  constraint a_rate_has_an_interval check ((rate is null) = (rate_per is null))
);
comment on table pawl.effect_policy is 'How each effect of a version is tried';
comment on column pawl.effect_policy.timeout is 'of one attempt';
comment on column pawl.effect_policy.not_retried is 'error codes after which no attempt follows';
comment on column pawl.effect_policy.heartbeat is
  'longest silence of a running handler; null: it need not report';
comment on column pawl.effect_policy.start_within is
  'an effect whose first attempt begins later than this has failed; null: it waits for ever';
comment on column pawl.effect_policy.priority is 'greater goes first';
comment on column pawl.effect_policy.slots is 'how many may run at once; null: any number';
comment on column pawl.effect_policy.slots_per is
  'field of the input: so many for each of its values; null: so many of the effect';
comment on column pawl.effect_policy.rate is
  'how many attempts may begin in each rate_per, counted from the first; null: any number';
comment on column pawl.effect_policy.rate_by is
  'field of the input: so many for each of its values; null: so many of the effect';

create table pawl.outbox (
  effect_id bigint generated always as identity primary key,
  iid bigint not null,
  seq bigint not null,
  created_at timestamptz not null,
  version int not null,
  machine text not null,
  id text not null,
  effect text not null,
  invoke_id text,
  input jsonb,
  trace text default nullif(current_setting('pawl.traceparent', true), '')
) partition by range (effect_id);
comment on table pawl.outbox is
  'Effects that transitions asked for: append-only; who works on one is in lease, how it ended in effect_result';
comment on column pawl.outbox.iid is 'internal key of the instance';
comment on column pawl.outbox.id is 'the instance''s name';
comment on column pawl.outbox.seq is 'of the macrostep that asked; the live invoke carries the same';
comment on column pawl.outbox.invoke_id is
  'the invoke that waits for the result; null: nobody does';
comment on column pawl.outbox.trace is 'W3C traceparent of the caller who caused it';

create table pawl.outbox_default partition of pawl.outbox default;
comment on table pawl.outbox_default is
  'Effects that outlived their partition, and ids for which none was made ahead';

create table pawl.outbox_part (
  first_id bigint primary key,
  last_id bigint not null,
  begun_at timestamptz,
  ended_at timestamptz,
  constraint a_part_holds_ids check (last_id >= first_id)
);
comment on table pawl.outbox_part is
  'Partitions of the outbox and of the results, each named by its first id';
comment on column pawl.outbox_part.begun_at is 'its ids are handed out since then; null: not yet';
comment on column pawl.outbox_part.ended_at is 'greater ids are handed out since then';

create table pawl.detached (
  name text primary key,
  at timestamptz not null default clock_timestamp()
);
comment on table pawl.detached is
  'Partitions taken out of their table, which the next sweep drops; nobody reads them any more';

create function pawl.ring_bell() returns trigger language plpgsql as 'begin return null; end';
comment on function pawl.ring_bell is 'Its body is in functions/';
create constraint trigger ring_bell
after insert on pawl.outbox
deferrable initially deferred
for each row
execute function pawl.ring_bell();
comment on trigger ring_bell on pawl.outbox is
  'At the commit, once for each row: that costs less than a condition that remembers';

create table pawl.outbox_mark (
  only_row boolean primary key default true,
  passed bigint not null default 0,
  constraint there_is_one_mark check (only_row)
);
comment on table pawl.outbox_mark is 'Where claims begin to read the outbox (see pawl.advance_mark)';
comment on column pawl.outbox_mark.passed is
  'every effect up to here has a lease or a result, or its id is in outbox_gap';
insert into pawl.outbox_mark default values;

create table pawl.outbox_gap (
  first_id bigint primary key,
  last_id bigint not null,
  seen_at timestamptz not null default clock_timestamp(),
  seen_xid xid8
);
comment on table pawl.outbox_gap is
  'Ids that the mark passed and nobody had seen: of transactions in flight, or rolled back';
comment on column pawl.outbox_gap.seen_xid is
  'when no older transaction runs, its effects are visible or will never be';

create table pawl.lease (
  effect_id bigint primary key,
  token bigint not null,
  until timestamptz not null,
  started_at timestamptz,
  beat_at timestamptz,
  attempt int not null,
  effect text not null,
  slot text,
  worker text,
  waits text,
  last_error text,
  constraint why_it_waits_is_known check (waits in ('backoff', 'slot', 'rate'))
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0
);
comment on table pawl.lease is 'Effects that a worker holds, or that wait for their next attempt';
comment on column pawl.lease.started_at is 'of the attempt';
comment on column pawl.lease.beat_at is 'when the handler was last heard of';
comment on column pawl.lease.slot is
  'what its policy counts the running ones by: machine and value; null: it does not';
comment on column pawl.lease.waits is 'why it is not to be performed before until';
comment on column pawl.lease.token is 'fencing: only who has it may finish the attempt';
comment on column pawl.lease.until is 'another worker may take the effect then';
comment on column pawl.lease.attempt is 'counts from 1';
comment on column pawl.lease.worker is 'who holds it; null: it waits';
create index lease_due on pawl.lease (effect, until);
create index lease_slot on pawl.lease (slot, effect) where slot is not null;

create sequence pawl.lease_token;
comment on sequence pawl.lease_token is 'Tokens grow, so a later holder always has the greater one';

create table pawl.effect_result (
  effect_id bigint primary key,
  at timestamptz not null,
  outcome text not null,
  output jsonb,
  error jsonb,
  applied_at timestamptz,
  apply_due timestamptz,
  apply_attempts int not null default 0,
  last_error text,
  constraint outcome_is_known check (outcome in ('done', 'error', 'void', 'cancelled')),
  constraint only_errors_carry_one check (
    (outcome in ('error', 'cancelled')) = (error is not null)
  )
) partition by range (effect_id);
comment on table pawl.effect_result is 'How effects ended: one row each, appended';
comment on column pawl.effect_result.outcome is
  'done, error (attempts exhausted), void (its state was left before it ran), cancelled (by an operator)';
comment on column pawl.effect_result.applied_at is
  'the instance has had the event, or nobody waited for one';
comment on column pawl.effect_result.apply_due is
  'the event failed to apply and is tried again then; null: never again';
create table pawl.effect_result_default partition of pawl.effect_result default;
comment on table pawl.effect_result_default is 'Results of the effects in outbox_default';
create index effect_result_to_apply on pawl.effect_result (apply_due) where apply_due is not null;

create table pawl.effect_rate (
  machine text not null,
  effect text not null,
  value text not null,
  ends_at timestamptz not null,
  started int not null,
  primary key (machine, effect, value)
);
comment on table pawl.effect_rate is 'Attempts begun of effects whose rate is limited';
comment on column pawl.effect_rate.value is 'of the field that the policy counts by; else empty';
comment on column pawl.effect_rate.ends_at is 'a new interval begins then, and counts from none';

create table pawl.worker (
  name text primary key,
  started_at timestamptz not null,
  seen_at timestamptz not null,
  effects text[],
  hostname text,
  pid int,
  version text
);
comment on table pawl.worker is 'Who performs effects, as each worker says of itself';
comment on column pawl.worker.effects is 'that it performs; null: any';
comment on column pawl.worker.version is 'of the worker''s code';

create type pawl.effect_command as (effect text, invoke_id text, input jsonb);
comment on type pawl.effect_command is 'An effect that a macrostep asks for, before it is stored';

create type pawl.open_effect as (effect_id bigint, attempt int, fate text);
comment on type pawl.open_effect is
  'An effect that is due: attempts made, and what is to become of it: perform, limited, void, or the code of an error';

create type pawl.attempt as (
  outcome text,
  message text,
  error jsonb,
  counts int,
  retry_in interval
);
comment on type pawl.attempt is
  'How sending an internal event went: applied, void (nobody waits for it) or failed; counts is 0 for a paused instance; retry_in null means never again';

create table pawl.timer (
  timer_id bigint generated always as identity primary key,
  iid bigint not null,
  seq bigint not null,
  due_at timestamptz not null,
  attempts int not null default 0,
  machine text not null,
  name text not null,
  last_error text,
  event jsonb
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0
);
comment on table pawl.timer is
  'Timers that transitions set. One is live while the instance''s own map has its name with its seq; leaving the state edits that map, never this table';
comment on column pawl.timer.name is 'key in the instance''s map';
comment on column pawl.timer.seq is 'of the macrostep that set it';
comment on column pawl.timer.attempts is 'failed firings; due_at has moved by their backoff';
comment on column pawl.timer.event is
  'what it sends, with the payload of when it was raised; null: an event whose type is the name';
create index timer_due on pawl.timer (due_at);

create type pawl.timer_command as (name text, due_at timestamptz, event jsonb);
comment on type pawl.timer_command is 'A timer that a macrostep sets, before it is stored';

create table pawl.event_key (
  machine text not null,
  iid bigint not null,
  event_id text not null,
  event jsonb not null,
  reply jsonb not null,
  created_at timestamptz not null,
  primary key (machine, iid, event_id)
);
comment on table pawl.event_key is
  'Replies by event_id, kept 14 days: the same event again gets the first reply';
create index event_key_created on pawl.event_key using brin (created_at);

create table pawl.journal (
  iid bigint not null,
  seq bigint not null,
  at timestamptz not null default clock_timestamp(),
  version int not null,
  trusted boolean not null,
  machine text not null,
  event jsonb not null,
  state text[] not null,
  caller text not null,
  sub text,
  log text[],
  source text,
  sender text[]
) partition by range (at);
comment on table pawl.journal is 'Every macrostep and every act of an operator; append-only, by month';
comment on column pawl.journal.iid is 'of the instance; 0: what was done to the machine as a whole';
comment on column pawl.journal.at is 'real time, not the movable clock';
comment on column pawl.journal.state is 'the configuration after it';
comment on column pawl.journal.caller is 'role that asked';
comment on column pawl.journal.sub is 'claims->>''sub''';
comment on column pawl.journal.source is
  'the timer or invoke whose event it is, as its instance called it; null: somebody sent it';
comment on column pawl.journal.sender is
  'machine and name of the instance that sent it as a message; null: no instance did';
comment on column pawl.journal.trusted is 'a trusted caller without claims: no authorizer was asked';
create index journal_instance on pawl.journal (iid, machine, seq);

create table pawl.journal_default partition of pawl.journal default;
comment on table pawl.journal_default is 'Rows of months whose partition was not made ahead';

create table pawl.dead_letter (
  dead_id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  kind text not null,
  machine text not null,
  iid bigint not null,
  seq bigint not null,
  id text,
  effect_id bigint,
  name text not null,
  attempts int not null,
  event jsonb,
  error jsonb not null,
  message jsonb,
  constraint kind_is_known check (kind in ('effect', 'result', 'timer', 'message'))
);
comment on table pawl.dead_letter is 'What was given up after its last attempt; nothing vanishes silently';
comment on column pawl.dead_letter.kind is
  'effect: the handler failed; result, timer: the transition that its event takes failed; message: undeliverable';
comment on column pawl.dead_letter.id is 'the instance''s name where it is known';
comment on column pawl.dead_letter.name is 'of the effect or timer; the machine that a message was for';
comment on column pawl.dead_letter.event is 'the event that could not be applied, or the effect''s input';
comment on column pawl.dead_letter.message is
  'of a message, its row without the event: to whom, for whom, and what waits for it';
create index dead_letter_instance on pawl.dead_letter (machine, iid);

create table pawl.message (
  message_id bigint generated always as identity primary key,
  sender_iid bigint not null,
  sender_seq bigint not null,
  due_at timestamptz not null,
  attempts int not null default 0,
  sender_machine text not null,
  sender_id text,
  kin boolean not null default false,
  machine text,
  id text,
  send_id text,
  source text,
  source_seq bigint,
  invoke_id text,
  event jsonb not null,
  last_error text
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0
);
comment on table pawl.message is
  'Events that instances sent to others and that have not arrived: the row is deleted by the transaction in which its event is processed';
comment on column pawl.message.sender_iid is 'internal key of the sender; its machine and name are beside it';
comment on column pawl.message.sender_seq is 'of the macrostep that sent it';
comment on column pawl.message.due_at is 'now, or later by the backoff of failed attempts';
comment on column pawl.message.kin is 'between a parent and its child: no authorizer is asked';
comment on column pawl.message.id is 'the receiver''s name; null: nobody has it';
comment on column pawl.message.send_id is
  'error.send.<send_id> tells the sender when it is undeliverable; null: dead_letter keeps it';
comment on column pawl.message.source is
  'what the receiver waits for under this name, as in pawl.journal; null: somebody sends an event';
comment on column pawl.message.invoke_id is
  'of an event from a child to its parent: the invoke that created the child, live with source_seq or over';
create index message_due on pawl.message (due_at);
create index message_lane on pawl.message (machine, id, sender_machine, sender_iid, message_id);

create constraint trigger ring_bell
after insert on pawl.message
deferrable initially deferred
for each row
execute function pawl.ring_bell();
comment on trigger ring_bell on pawl.message is
  'At the commit, once for each row: that costs less than a condition that remembers';

create type pawl.message_command as (
  machine text,
  id text,
  event jsonb,
  send_id text,
  atomic boolean,
  child text
);
comment on type pawl.message_command is
  'An event for another instance, before it is stored; an atomic one is processed at once instead; without a machine it is for the child of this invoke, or for the parent';

create table pawl.child (
  machine text not null,
  id text not null,
  parent_machine text not null,
  parent_iid bigint not null,
  parent_id text not null,
  parent_seq bigint not null,
  invoke_id text not null,
  observed boolean not null,
  primary key (machine, id)
);
comment on table pawl.child is 'Instances that an invoke of another one created, until they end';
comment on column pawl.child.parent_seq is 'of the macrostep that created it; the live invoke carries the same';
comment on column pawl.child.observed is 'each of its macrosteps is told to its parent (onSnapshot)';
create index child_parent on pawl.child (parent_machine, parent_iid);

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
