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
