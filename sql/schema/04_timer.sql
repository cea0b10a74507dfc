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
