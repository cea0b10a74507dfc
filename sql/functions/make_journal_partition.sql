-- Make one partition of the journal, and move into it what the default partition holds of its time.
-- Locks: the default partition.
create or replace function pawl.make_journal_partition(
  p_name text,
  p_from timestamptz,
  p_to timestamptz
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('create table pawl.%I (like pawl.journal including all)', p_name);
  lock table pawl.journal_default in access exclusive mode;
  execute format(
    $sql$
    with moved as (
      delete from pawl.journal_default where at >= $1 and at < $2
      returning iid, seq, at, version, trusted, machine, event, state, caller, sub, log, source,
        sender
    )
    insert into pawl.%I (
      iid, seq, at, version, trusted, machine, event, state, caller, sub, log, source, sender
    )
    select iid, seq, at, version, trusted, machine, event, state, caller, sub, log, source, sender
    from moved
    $sql$,
    p_name
  )
  using p_from, p_to;
  execute format(
    'alter table pawl.journal attach partition pawl.%I for values from (%L) to (%L)',
    p_name, p_from, p_to);
  execute format(
    'comment on table pawl.%I is %L', p_name, 'Journal of the month ' || right(p_name, 7));
end
$$;

comment on function pawl.make_journal_partition is
  'Make one partition of the journal, and move into it what the default partition holds of its time';
