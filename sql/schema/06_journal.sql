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
