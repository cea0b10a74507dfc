create table pawl.effect_policy (
  machine text not null,
  version int not null,
  effect text not null,
  timeout interval not null default '30 seconds',
  attempts int not null default 1,
  backoff_first interval not null default '1 second',
  backoff_most interval not null default '5 minutes',
  primary key (machine, version, effect),
  constraint attempts_count_from_one check (attempts > 0),
  constraint durations_are_positive check (
    timeout > interval '0' and backoff_first >= interval '0' and backoff_most >= backoff_first
  )
);
comment on table pawl.effect_policy is 'How each effect of a version is tried';
comment on column pawl.effect_policy.timeout is 'of one attempt';

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
  input jsonb
);
comment on table pawl.outbox is
  'Effects that transitions asked for: append-only; who works on one is in lease, how it ended in effect_result';
comment on column pawl.outbox.iid is 'internal key of the instance';
comment on column pawl.outbox.id is 'the instance''s name';
comment on column pawl.outbox.seq is 'of the macrostep that asked; the live invoke carries the same';
comment on column pawl.outbox.invoke_id is
  'the invoke that waits for the result; null: nobody does';

create table pawl.outbox_mark (
  only_row boolean primary key default true,
  settled bigint not null default 0,
  seen bigint not null default 0,
  seen_at timestamptz,
  seen_xid xid8,
  constraint there_is_one_mark check (only_row)
);
comment on table pawl.outbox_mark is 'Where claims begin to read the outbox (see pawl.advance_mark)';
comment on column pawl.outbox_mark.settled is 'no effect up to here is open';
comment on column pawl.outbox_mark.seen is 'highest effect_id handed out at seen_at';
comment on column pawl.outbox_mark.seen_xid is
  'when no older transaction runs, every effect up to seen is visible or will never be';
insert into pawl.outbox_mark default values;

create table pawl.lease (
  effect_id bigint primary key,
  token bigint not null,
  until timestamptz not null,
  attempt int not null,
  worker text
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0
);
comment on table pawl.lease is 'Effects that a worker holds, or that wait for their next attempt';
comment on column pawl.lease.token is 'fencing: only who has it may finish the attempt';
comment on column pawl.lease.until is 'another worker may take the effect then';
comment on column pawl.lease.attempt is 'counts from 1';
comment on column pawl.lease.worker is 'who holds it; null: backing off';

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
  constraint outcome_is_known check (outcome in ('done', 'error', 'void')),
  constraint only_errors_carry_one check ((outcome = 'error') = (error is not null))
);
comment on table pawl.effect_result is 'How effects ended: one row each, appended';
comment on column pawl.effect_result.outcome is
  'done, error (attempts exhausted), void (its state was left before it ran)';
comment on column pawl.effect_result.applied_at is
  'the instance has had the event, or nobody waited for one';
comment on column pawl.effect_result.apply_due is
  'the event failed to apply and is tried again then; null: never again';
create index effect_result_to_apply on pawl.effect_result (apply_due) where apply_due is not null;

create type pawl.effect_command as (effect text, invoke_id text, input jsonb);
comment on type pawl.effect_command is 'An effect that a macrostep asks for, before it is stored';

create type pawl.open_effect as (effect_id bigint, attempt int, attempts int, live boolean);
comment on type pawl.open_effect is 'An effect to perform: attempts made and allowed, and whether somebody waits for it';

create type pawl.attempt as (
  outcome text,
  message text,
  error jsonb,
  counts int,
  retry_in interval
);
comment on type pawl.attempt is
  'How sending an internal event went: applied, void (nobody waits for it) or failed; counts is 0 for a paused instance; retry_in null means never again';
