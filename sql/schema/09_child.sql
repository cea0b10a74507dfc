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
