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
