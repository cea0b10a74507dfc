"""The checks that are one query each.

A row for each thing found: severity, what, and what to do. A check that asks for limits has them as
parameters, so its `%` are written twice.
"""

from dataclasses import dataclass
from typing import LiteralString


@dataclass(frozen=True, slots=True)
class Check:
    """A query that returns severity, message and advice; `limited` if it takes `Limits`."""

    name: str
    query: LiteralString
    limited: bool = False


CHECKS = (
    Check(
        "effects",
        """
        select case when s.state = 'no handler' then 'error' else 'warning' end,
          format('effect "%s" of "%s": %s, %s of them, the oldest (%s) since %s',
            s.effect, s.machine, s.state, count(*), min(s.effect_id),
            date_trunc('second', min(s.created_at))),
          case when s.state = 'no handler'
            then 'start a worker that has a handler for it: pawl worker FILE'
            else 'are the workers busy? start another, or raise --concurrency'
          end
        from pawl.open_effect_status as s
        where s.state in ('ready', 'no handler')
          and s.created_at < pawl.now() - interval '1 minute'
        group by s.machine, s.effect, s.state
        order by s.machine, s.effect, s.state
        """,
    ),
    Check(
        "leases",
        """
        select 'error',
          format('the lease of effect %s ("%s") by "%s" ran out at %s, and nobody took it over',
            l.effect_id, l.effect, l.worker, l.until),
          'its worker is gone or hangs; any worker that performs the effect takes it over'
        from pawl.lease as l
        where l.worker is not null and l.until < pawl.now() - interval '1 minute'
        order by l.effect_id
        limit 20
        """,
    ),
    Check(
        "attempts",
        """
        select 'warning',
          format('effect %s ("%s") has been running at "%s" since %s',
            l.effect_id, l.effect, l.worker, l.started_at),
          'does its handler hang? give the effect a heartbeat in the definition'
        from pawl.lease as l
        where l.worker is not null and l.until >= pawl.now()
          and l.started_at < pawl.now() - interval '1 hour'
        order by l.effect_id
        limit 20
        """,
    ),
    Check(
        "workers",
        """
        select 'warning',
          format('worker "%s" was last seen at %s and has not said goodbye', w.name, w.seen_at),
          format('look at process %s on "%s"', w.pid, w.hostname)
        from pawl.worker as w
        where w.seen_at < pawl.now() - interval '30 seconds'
          and w.seen_at > pawl.now() - interval '1 day'
        order by w.name
        """,
    ),
    Check(
        "worker versions",
        """
        select 'warning',
          format('worker "%%s" runs pawl %%s, this is %%s', w.name, w.version, %(version)s::text),
          'restart it with the package that installed the runtime'
        from pawl.worker as w
        where w.seen_at >= pawl.now() - interval '30 seconds' and w.version <> %(version)s::text
        order by w.name
        """,
        limited=True,
    ),
    Check(
        "silence",  # the key is that of pawl.stay_awake(), which operators may not call
        """
        select 'error',
          format('session %s says that a worker is awake, and none was seen: nobody rings', l.pid),
          format('a worker hangs, and others find work only by polling: '
            'select pg_terminate_backend(%s)', l.pid)
        from pg_locks as l
        where l.locktype = 'advisory' and l.classid = 1885435756 and l.objid = 2 and l.objsubid = 2
          and l.mode = 'ShareLock'
          and l.database = (select d.oid from pg_database as d where d.datname = current_database())
          and not exists (
            select from pawl.worker as w where w.seen_at >= pawl.now() - interval '30 seconds'
          )
        order by l.pid
        """,
    ),
    Check(
        "timers",
        """
        select 'error',
          format('%s timer(s) of "%s" are overdue, the oldest since %s%s',
            count(*), t.machine, date_trunc('second', min(t.due_at)), ': ' || max(t.last_error)),
          'is a worker running? `pawl timers fire` fires what is due'
        from pawl.timer as t
        where t.due_at < pawl.now() - interval '1 minute'
        group by t.machine
        order by t.machine
        """,
    ),
    Check(
        "results",
        """
        select 'warning',
          format('the event of the result of effect %s was refused %s times: %s',
            r.effect_id, r.apply_attempts, r.last_error),
          'the handler is not run again; mend what the transition trips over'
        from pawl.effect_result as r
        where r.apply_due is not null and r.apply_attempts > 0
        order by r.effect_id
        limit 20
        """,
    ),
    Check(
        "messages",
        """
        select 'error',
          format('%s message(s) to "%s" are overdue, the oldest since %s%s',
            count(*), m.machine, date_trunc('second', min(m.due_at)), ': ' || max(m.last_error)),
          'is a worker running? a receiver that is paused holds up what is sent to it'
        from pawl.message as m
        where m.due_at < pawl.now() - interval '1 minute'
        group by m.machine
        order by m.machine
        """,
    ),
    Check(
        "dead letters",
        """
        select 'error',
          format('%s dead letter(s) of "%s": %s "%s", the last at %s',
            count(*), d.machine, d.kind, d.name, max(d.at)),
          '`pawl dead list` says why; mend it, then `pawl dead retry DEAD_ID`'
        from pawl.dead_letter as d
        group by d.machine, d.kind, d.name
        order by d.machine, d.kind, d.name
        """,
    ),
    Check(
        "old snapshots",
        """
        select 'warning',
          format('session %%s of "%%s" (%%s) holds a snapshot since %%s',
            a.pid, a.usename, a.state, a.xact_start),
          format('vacuum cannot clean up behind it: select pg_terminate_backend(%%s)', a.pid)
        from pg_stat_activity as a
        where (a.backend_xmin is not null or a.backend_xid is not null)
          and a.backend_type = 'client backend' and a.pid <> pg_backend_pid()
          and a.xact_start < clock_timestamp() - %(held)s
        order by a.xact_start
        """,
        limited=True,
    ),
    Check(
        "prepared transactions",
        """
        select 'warning',
          format('transaction "%%s" of "%%s" is prepared since %%s', p.gid, p.owner, p.prepared),
          format(
            'vacuum cannot clean up behind it: commit prepared or rollback prepared %%L', p.gid)
        from pg_prepared_xacts as p
        where p.prepared < clock_timestamp() - %(held)s
        order by p.prepared
        """,
        limited=True,
    ),
    Check(
        "replication slots",
        """
        select 'warning',
          format('replication slot "%%s" is inactive and holds back vacuum, or %%s of WAL',
            s.slot_name, pg_size_pretty(k.kept)),
          format('bring its consumer back, or select pg_drop_replication_slot(%%L)', s.slot_name)
        from pg_replication_slots as s
        cross join lateral (
          select case when not pg_is_in_recovery()
            then pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn)
          end
        ) as k (kept)
        where not s.active
          and (s.xmin is not null or s.catalog_xmin is not null or k.kept > %(kept_wal)s)
        order by s.slot_name
        """,
        limited=True,
    ),
    Check(
        "notifications",
        """
        select 'warning',
          format('the queue of notifications is full to %%s%%%%', round(u.share * 100)),
          'a session that listens is in a transaction; when the queue is full, every NOTIFY fails'
        from (select pg_notification_queue_usage()::numeric) as u (share)
        where u.share > %(notifications)s
        """,
        limited=True,
    ),
    Check(
        "bloat",
        """
        select 'warning',
          format('%I.%I has %s dead rows to %s live ones, last vacuumed %s', t.schemaname,
            t.relname, t.n_dead_tup, t.n_live_tup,
            coalesce(greatest(t.last_autovacuum, t.last_vacuum)::text, 'never')),
          format('is autovacuum on? does something hold a snapshot? vacuum %I.%I',
            t.schemaname, t.relname)
        from pg_stat_user_tables as t
        where t.n_dead_tup > 10000 and t.n_dead_tup > t.n_live_tup
          and (t.schemaname = 'pawl'
            or t.schemaname in (select m.schema_name from pawl.machine as m))
        order by t.schemaname, t.relname
        """,
    ),
    Check(
        "updates in place",
        """
        select 'warning',
          format('%s%% of %s updates of %I.instance were HOT', t.n_tup_hot_upd * 100 / t.n_tup_upd,
            t.n_tup_upd, t.schemaname),
          'an index holds a column that every event changes (state, seq, updated_at)? is it needed?'
        from pg_stat_user_tables as t
        join pawl.machine as m on m.schema_name = t.schemaname
        where t.relname = 'instance' and t.n_tup_upd > 10000 and t.n_tup_hot_upd * 2 < t.n_tup_upd
        order by t.schemaname
        """,
    ),
    Check(
        "journal",
        """
        select 'warning',
          format('the journal has no partition for %s', to_char(n.month, 'YYYY-MM')),
          'select pawl.make_journal_partitions(); a running worker does it by itself'
        from (
          select date_trunc('month', clock_timestamp() at time zone 'utc') + interval '1 month'
        ) as n (month)
        where to_regclass(to_char(n.month, '"pawl.journal_"YYYY_MM')) is null
        union all
        select 'warning',
          'the journal''s default partition holds rows of a month that had none made ahead',
          'select pawl.make_journal_partitions()'
        where exists (select from pawl.journal_default)
        """,
    ),
    Check(
        "outbox",
        """
        select 'warning',
          format('partition outbox_%s should be gone since %s', p.first_id,
            date_trunc('second', p.ended_at + r.effects)),
          'more than 10,000 of its effects are open, or long transactions hold the outbox'
        from pawl.outbox_part as p
        cross join pawl.retention() as r
        where p.ended_at < pawl.now() - r.effects - interval '1 day'
        union all
        select 'warning',
          'effects were stored in the default partition of the outbox: more than it had ids',
          'do workers run? `select pawl.sweep()` makes the next partitions'
        from pawl.outbox_part as p
        having max(p.last_id) < (select max(o.effect_id) from pawl.outbox as o)
        """,
    ),
    Check(
        "client roles",
        """
        select 'error',
          format('client role "%s" %s', r.rolname,
            case when r.rolcanlogin then 'can log in' else 'skips row security' end),
          format('alter role %I nologin nosuperuser nobypassrls', r.rolname)
        from pawl.setting as s
        cross join jsonb_array_elements_text(s.value) as c (name)
        join pg_roles as r on r.rolname = c.name
        where s.name = 'client_roles' and (r.rolcanlogin or r.rolsuper or r.rolbypassrls)
        union all
        select 'warning',
          format('role "%s" has no %s', r.rolname, t.name),
          format('alter role %I set %I = %L', r.rolname, t.name, t.value)
        from pawl.setting as s
        cross join jsonb_array_elements_text(s.value) as c (name)
        join pg_roles as r on r.rolname = c.name
        cross join (values ('statement_timeout', '8s'), ('lock_timeout', '4s')) as t (name, value)
        where s.name in ('client_roles', 'authenticators')
          and not exists (
            select
            from pg_db_role_setting as d
            cross join unnest(d.setconfig) as e (entry)
            where d.setrole = r.oid and split_part(e.entry, '=', 1) = t.name
          )
        order by 1, 2
        """,
    ),
    Check(
        "realtime",
        """
        select 'warning',
          format('%s may be followed, but wal_level is %s',
            string_agg(distinct p.schemaname::text, ', '), current_setting('wal_level')),
          'alter system set wal_level = logical, then restart the server'
        from pg_publication_tables as p
        join pawl.machine as m on m.schema_name = p.schemaname
        where p.pubname in ('supabase_realtime', 'pawl_realtime')
          and current_setting('wal_level') <> 'logical'
        having count(*) > 0
        """,
    ),
    Check(
        "clock",
        """
        select 'error', 'the clock of this database is moved, as only tests should',
          'select pawl.reset_clock(), as pawl_owner'
        from pawl.clock as c
        where c.frozen_at is not null or c.shift <> interval '0'
        """,
    ),
    Check(
        "functions",
        """
        select 'error',
          format('%s is not as version %s of "%s" was deployed', p.oid::regprocedure, v.version,
            v.machine),
          'who changed it? what was deployed is in pawl.version.sql'
        from pawl.version as v
        join pawl.machine as m on m.name = v.machine
        join pg_namespace as n on n.nspname = m.schema_name
        join pg_proc as p
          on p.pronamespace = n.oid and p.proname like format('v%s\\_%%', v.version)
        where strpos(v.sql, p.prosrc) = 0
        union all
        select 'error',
          format('function %s of "%s" is missing', f.found[1], v.machine),
          'who dropped it? what was deployed is in pawl.version.sql'
        from pawl.machine as m
        join pawl.version as v on v.machine = m.name and v.version = m.current_version
        cross join lateral
          regexp_matches(v.sql, '^create or replace function ([^(]+)\\(', 'gn') as f (found)
        where to_regproc(f.found[1]) is null
        """,
    ),
    Check(
        "row security",
        """
        select 'error',
          format('row security of %s is off: whoever may select from it sees every row',
            c.oid::regclass),
          format('alter table %s enable row level security, force row level security',
            c.oid::regclass)
        from pawl.machine as m
        join pg_class as c on c.oid = to_regclass(format('%I.instance', m.schema_name))
        where not (c.relrowsecurity and c.relforcerowsecurity)
        order by m.name
        """,
    ),
)
