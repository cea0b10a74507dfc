-- Say that a worker lives, and what it performs (null: any effect); at its start and every ten
-- seconds. One that was not seen for thirty counts as gone.
create or replace function pawl.worker_seen(
  p_worker text,
  p_effects text[] default null,
  p_hostname text default null,
  p_pid int default null,
  p_version text default null
)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_worker is null then
    perform pawl.raise_null_argument('p_worker');
  end if;
  insert into pawl.worker as w (name, started_at, seen_at, effects, hostname, pid, version)
  values (p_worker, pawl.now(), pawl.now(), p_effects, p_hostname, p_pid, p_version)
  on conflict (name) do update
  set seen_at = excluded.seen_at,
      effects = excluded.effects,
      started_at = case
        when (w.hostname, w.pid) is distinct from (excluded.hostname, excluded.pid)
          then excluded.started_at
        else w.started_at
      end,
      hostname = excluded.hostname,
      pid = excluded.pid,
      version = excluded.version;
end
$$;

comment on function pawl.worker_seen is 'Say that a worker lives, and what it performs';
