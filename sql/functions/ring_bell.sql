-- At the commit of a transaction that asked for effects: wake a worker, unless one is awake and
-- will see them. NOTIFY makes commits go one after another, so it is for sleeping workers only.
-- Why no effect is left asleep: see sql/README.md. It tries its keys, so nobody can stall a sender.
-- Called for each effect of a transaction it rings once: Postgres drops notifications that are equal.
-- It runs as whoever commits, and names nothing that he may not call or could replace.
-- Locks: the keys 1 (shared) and 2, if they are free, until the commit is visible.
create or replace function pawl.ring_bell()
returns trigger
language plpgsql
as $$
begin
  if not pg_catalog.pg_try_advisory_xact_lock_shared(1885435756, 1)
    or pg_catalog.pg_try_advisory_xact_lock(1885435756, 2)
  then
    perform pg_catalog.pg_notify('pawl', '');
  end if;
  return null;
end
$$;

comment on function pawl.ring_bell is
  'At the commit of a transaction that asked for effects: wake a worker, unless one is awake';
