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
