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
