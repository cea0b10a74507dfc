"""Each check of `pawl doctor` finds what it is for, and says what to do.

What belongs to the whole server (sessions, slots, prepared transactions) is looked for with limits
that other tests, running beside these, do not have.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from pawl import doctor
from pawl.deploy.deploy import deploy
from pawl.doctor import Finding, Limits
from pawl.doctor.queries import CHECKS
from pawlc.compile import compile_machine

PARCEL = """\
machine: parcel
version: 1
events: { ship: {}, post: {} }
effects: { book: { retry: { attempts: 2 } } }
initial: waiting
states:
  waiting:
    on:
      ship: shipping
      post: { actions: { send: { event: ship, to: { machine: parcel, id: $$p-9$$ } } } }
    after: { 7 days: late }
  shipping:
    invoke: { id: booking, src: book, onDone: shipped, onError: late }
  shipped: { type: final }
  late: {}
"""

Find = Callable[..., list[Finding]]
SERVER_WIDE = {"old snapshots", "prepared transactions", "replication slots"}


@pytest.fixture
def parcel(connection: psycopg.Connection) -> psycopg.Connection:
    """A database with the machine above and its instance p-1."""
    deploy(connection, compile_machine(PARCEL, "parcel.machine.yaml"))
    connection.execute("select create_instance('parcel', 'p-1')")
    return connection


@pytest.fixture
def shipping(parcel: psycopg.Connection) -> psycopg.Connection:
    """p-1 waits for its effect `book`."""
    parcel.execute("""select send_event('parcel', 'p-1', '{"type": "ship"}')""")
    return parcel


@pytest.fixture
def find(connection: psycopg.Connection) -> Find:
    """Examine; all that is found, but for what is the whole server's unless it is asked for."""

    def examine(check: str | None = None, **limits: object) -> list[Finding]:
        found = doctor.examine(connection, Limits(**limits))  # type: ignore[arg-type]
        if check is not None:
            return [finding for finding in found if finding.check == check]
        return [finding for finding in found if finding.check not in SERVER_WIDE]

    return examine


def names(found: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.check, finding.severity) for finding in found]


def test_nothing_is_wrong_with_a_database_at_work(shipping: psycopg.Connection, find: Find) -> None:
    assert find() == []


@pytest.mark.parametrize(
    ("worker", "severity", "words"),
    [(None, "error", "no handler, 1 of them"), ("{book}", "warning", "ready, 1 of them")],
)
def test_effects_that_nobody_begins(
    shipping: psycopg.Connection, find: Find, worker: str | None, severity: str, words: str
) -> None:
    shipping.execute("update pawl.outbox set created_at = created_at - interval '2 minutes'")
    if worker is not None:
        shipping.execute("select pawl.worker_seen('w', %s::text[], 'here', 1, '0')", (worker,))
        shipping.execute("update pawl.worker set version = null")
    (finding,) = find()
    assert (finding.check, finding.severity) == ("effects", severity)
    assert f'effect "book" of "parcel": {words}' in finding.message
    assert "worker" in finding.advice


def test_a_lease_that_nobody_took_over(shipping: psycopg.Connection, find: Find) -> None:
    shipping.execute("select pawl.claim_effects('w')")
    assert find() == []
    shipping.execute("update pawl.lease set until = until - interval '1 hour'")
    (finding,) = find()
    assert (finding.check, finding.severity) == ("leases", "error")
    assert '("book") by "w" ran out' in finding.message


def test_a_handler_that_runs_for_an_hour(shipping: psycopg.Connection, find: Find) -> None:
    shipping.execute("select pawl.claim_effects('w')")
    shipping.execute("update pawl.lease set started_at = started_at - interval '2 hours'")
    (finding,) = find()
    assert (finding.check, finding.severity) == ("attempts", "warning")
    assert "heartbeat" in finding.advice


def test_a_worker_that_went_away_without_a_word(parcel: psycopg.Connection, find: Find) -> None:
    parcel.execute("select pawl.worker_seen('w', null, 'box', 17, null)")
    assert find() == []
    parcel.execute("update pawl.worker set seen_at = seen_at - interval '1 minute'")
    (finding,) = find()
    assert (finding.check, finding.severity) == ("workers", "warning")
    assert finding.advice == 'look at process 17 on "box"'


def test_a_worker_of_another_version(parcel: psycopg.Connection, find: Find) -> None:
    parcel.execute("select pawl.worker_seen('w', null, 'box', 17, '0.0.1')")
    (finding,) = find()
    assert (finding.check, finding.severity) == ("worker versions", "warning")
    assert 'worker "w" runs pawl 0.0.1, this is ' in finding.message


def test_a_worker_that_hangs_and_keeps_others_from_being_rung(
    parcel: psycopg.Connection, database: str, find: Find
) -> None:
    with psycopg.connect(database, autocommit=True) as worker:
        worker.execute("select pawl.stay_awake()")
        (finding,) = find()
        assert (finding.check, finding.severity) == ("silence", "error")
        assert finding.advice.endswith(f"select pg_terminate_backend({worker.info.backend_pid})")
        worker.execute("select pawl.worker_seen('w')")
        assert find() == []


def test_a_timer_that_is_overdue(parcel: psycopg.Connection, find: Find) -> None:
    parcel.execute("update pawl.timer set due_at = due_at - interval '8 days', last_error = 'no'")
    (finding,) = find()
    assert (finding.check, finding.severity) == ("timers", "error")
    assert finding.message.startswith('1 timer(s) of "parcel" are overdue, the oldest since ')
    assert finding.message.endswith(": no")


def test_a_result_whose_event_is_refused(shipping: psycopg.Connection, find: Find) -> None:
    """Its transition would leave the table's constraint broken."""
    shipping.execute("alter table pawl_parcel.instance add check (state <> '{shipped}')")
    shipping.execute(
        "select pawl.complete_effect(effect_id, token, '{}') from pawl.claim_effects('w')"
    )
    (finding,) = find()
    assert (finding.check, finding.severity) == ("results", "warning")
    assert "refused 1 times" in finding.message


def test_a_message_that_is_overdue(parcel: psycopg.Connection, find: Find) -> None:
    parcel.execute("""select send_event('parcel', 'p-1', '{"type": "post"}')""")
    assert find() == []
    parcel.execute("update pawl.message set due_at = due_at - interval '1 hour'")
    (finding,) = find()
    assert (finding.check, finding.severity) == ("messages", "error")
    assert finding.message.startswith('1 message(s) to "parcel" are overdue')


def test_a_dead_letter(shipping: psycopg.Connection, find: Find) -> None:
    shipping.execute(
        'select pawl.fail_effect(effect_id, token, \'{"message": "no"}\', false) '
        "from pawl.claim_effects('w')"
    )
    (finding,) = find()
    assert (finding.check, finding.severity) == ("dead letters", "error")
    assert finding.message.startswith('1 dead letter(s) of "parcel": effect "book", the last at ')


def test_a_session_that_holds_a_snapshot(
    parcel: psycopg.Connection, database: str, find: Find
) -> None:
    with psycopg.connect(database, application_name="old") as other:
        other.execute("select pg_current_xact_id()")
        pid = other.info.backend_pid
        assert not any(f"session {pid} " in one.message for one in find("old snapshots"))
        found = find("old snapshots", held=timedelta())
        (finding,) = [one for one in found if f"session {pid} " in one.message]
        assert finding.advice.endswith(f"select pg_terminate_backend({pid})")


def test_a_transaction_that_was_prepared_and_forgotten(
    parcel: psycopg.Connection, find: Find
) -> None:
    row = parcel.execute("show max_prepared_transactions").fetchone()
    if row == ("0",):
        pytest.skip("this server allows no prepared transactions")
    name = f"pawl_{os.getpid()}"
    parcel.execute(
        f"begin; create table t (n int); prepare transaction '{name}'".encode(), prepare=False
    )
    try:
        assert find("prepared transactions") == []
        found = find("prepared transactions", held=timedelta())
        assert [one.advice for one in found if name in one.message] == [
            f"vacuum cannot clean up behind it: commit prepared or rollback prepared '{name}'"
        ]
    finally:
        parcel.execute(f"rollback prepared '{name}'".encode())


@pytest.fixture
def slot(connection: psycopg.Connection) -> Iterator[str]:
    """A replication slot that nobody reads from; it keeps what WAL is written from now on."""
    name = f"pawl_{os.getpid()}"
    connection.execute("select pg_create_physical_replication_slot(%s, true)", (name,))
    yield name
    connection.execute("select pg_drop_replication_slot(%s)", (name,))


def test_a_replication_slot_that_nobody_reads(
    parcel: psycopg.Connection, slot: str, find: Find
) -> None:
    parcel.execute("create table t as select * from generate_series(1, 1000)")
    assert find("replication slots") == []
    found = find("replication slots", kept_wal=1)
    (finding,) = [one for one in found if slot in one.message]
    assert f"pg_drop_replication_slot('{slot}')" in finding.advice


def test_a_queue_of_notifications_that_fills_up(parcel: psycopg.Connection, find: Find) -> None:
    (finding,) = find(notifications=-1)
    assert (finding.check, finding.severity) == ("notifications", "warning")
    assert finding.message == "the queue of notifications is full to 0%"


def test_a_table_with_more_dead_rows_than_live_ones(parcel: psycopg.Connection, find: Find) -> None:
    parcel.execute(
        "insert into pawl.timer (iid, seq, due_at, machine, name)"
        " select n, 1, 'infinity', 'parcel', 't' from generate_series(1, 10001) as n"
    )
    parcel.execute("delete from pawl.timer where due_at = 'infinity'")
    parcel.execute("select pg_stat_force_next_flush()")
    (finding,) = find()
    assert (finding.check, finding.severity) == ("bloat", "warning")
    assert "has 10001 dead rows" in finding.message


def test_updates_that_are_not_in_place(parcel: psycopg.Connection, find: Find) -> None:
    parcel.execute("create index by_seq on pawl_parcel.instance (seq)")
    parcel.execute(
        "insert into pawl_parcel.instance (id, version, state, status, seq, created_at, updated_at,"
        " timers, invokes, history)"
        " select n::text, 1, '{waiting}', 'running', 1, now(), now(), '{}', '{}', '{}'"
        " from generate_series(1, 10001) as n"
    )
    parcel.execute("update pawl_parcel.instance set seq = seq + 1")
    parcel.execute("select pg_stat_force_next_flush()")
    (finding,) = [one for one in find() if one.check != "bloat"]
    assert (finding.check, finding.severity) == ("updates in place", "warning")
    assert "of pawl_parcel.instance were HOT" in finding.message


def test_a_month_without_a_partition_of_the_journal(parcel: psycopg.Connection, find: Find) -> None:
    (month,) = parcel.execute(
        "select to_char(date_trunc('month', now() at time zone 'utc') + interval '1 month',"
        " 'YYYY_MM')"
    ).fetchone() or ("",)
    parcel.execute(f'drop table pawl."journal_{month}"'.encode())
    parcel.execute("update pawl.journal set at = at + interval '5 years'")
    found = find()
    assert names(found) == [("journal", "warning"), ("journal", "warning")]
    assert month.replace("_", "-") in found[0].message
    assert "default partition" in found[1].message
    assert "make_journal_partitions" in found[0].advice


def test_a_partition_of_the_outbox_that_outlives_its_time(
    shipping: psycopg.Connection, find: Find
) -> None:
    shipping.execute(
        "update pawl.outbox_part set begun_at = now() - interval '30 days',"
        " ended_at = now() - interval '20 days' where first_id = 1"
    )
    (finding,) = find()
    assert (finding.check, finding.severity) == ("outbox", "warning")
    assert finding.message.startswith("partition outbox_1 should be gone since ")


def test_effects_beyond_the_partitions_of_the_outbox(
    shipping: psycopg.Connection, find: Find
) -> None:
    shipping.execute("alter table pawl.outbox alter effect_id restart with 1000000000")
    shipping.execute("select create_instance('parcel', 'p-2')")
    shipping.execute("""select send_event('parcel', 'p-2', '{"type": "ship"}')""")
    (finding,) = find()
    assert (finding.check, finding.severity) == ("outbox", "warning")
    assert "stored in the default partition" in finding.message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "drop function pawl_parcel.v1_simulate",
            'function pawl_parcel.v1_simulate of "parcel" is missing',
        ),
        (
            "create or replace function pawl_parcel.v1_status(p_state text[]) returns text"
            " language sql immutable as $$ select 'running' $$",
            'pawl_parcel.v1_status(text[]) is not as version 1 of "parcel" was deployed',
        ),
    ],
)
def test_a_function_that_somebody_changed_or_dropped(
    parcel: psycopg.Connection, find: Find, change: str, message: str
) -> None:
    parcel.execute(change.encode())
    (finding,) = find()
    assert (finding.check, finding.severity) == ("functions", "error")
    assert finding.message == message


def test_a_version_that_this_compiler_would_write_otherwise(
    parcel: psycopg.Connection, find: Find
) -> None:
    parcel.execute("update pawl.version set sql = sql || E'\\n-- of another time'")
    (finding,) = find()
    assert (finding.check, finding.severity) == ("compiler", "warning")
    assert "was compiled by another pawl" in finding.message
    parcel.execute("update pawl.version set source = 'machine: parcel'")
    (finding,) = find()
    assert 'this pawl no longer compiles version 1 of "parcel": ' in finding.message


def test_a_table_without_row_security(parcel: psycopg.Connection, find: Find) -> None:
    parcel.execute("alter table pawl_parcel.instance no force row level security")
    (finding,) = find()
    assert (finding.check, finding.severity) == ("row security", "error")
    parcel.execute(finding.advice.encode())
    assert find() == []


@pytest.fixture
def client_role(connection: psycopg.Connection) -> Iterator[str]:
    name = f"pawl_doctor_{os.getpid()}"
    role = sql.Identifier(name)
    connection.execute(sql.SQL("create role {} nologin").format(role))
    connection.execute("select pawl.init_roles(array[%s], null)", (name,))
    yield name
    connection.execute(sql.SQL("drop owned by {}").format(role))
    connection.execute(sql.SQL("drop role {}").format(role))


@pytest.mark.parametrize(
    ("attribute", "words"), [("login", "can log in"), ("bypassrls", "skips row security")]
)
def test_a_client_role_that_may_too_much(
    parcel: psycopg.Connection, find: Find, client_role: str, attribute: str, words: str
) -> None:
    assert find() == []
    parcel.execute(f"alter role {client_role} {attribute}".encode())
    (finding,) = find()
    assert (finding.check, finding.severity) == ("client roles", "error")
    assert finding.message == f'client role "{client_role}" {words}'
    parcel.execute(finding.advice.encode())
    assert find() == []


def test_a_clock_that_was_moved(parcel: psycopg.Connection, find: Find) -> None:
    parcel.execute("select pawl.advance_clock('1 second')")
    assert names(find()) == [("clock", "error")]


def test_an_instance_that_a_migration_left_behind(parcel: psycopg.Connection, find: Find) -> None:
    parcel.execute("update pawl_parcel.instance set needs_rescue = 'no place for it'")
    (finding,) = find()
    assert (finding.check, finding.severity) == ("rescue", "warning")
    assert (
        finding.message
        == '1 instance(s) of "parcel" could not be migrated, such as "p-1": no place for it'
    )


def test_a_runtime_of_another_time(parcel: psycopg.Connection, find: Find) -> None:
    parcel.execute("insert into pawl.schema_version (version, name) values (999, 'later')")
    (finding,) = find()
    assert (finding.check, finding.advice) == ("runtime", "update the package")
    parcel.execute("delete from pawl.schema_version")
    (finding,) = find()
    assert (finding.check, finding.advice) == ("runtime", "run `pawl init`")


def test_a_bell_that_is_not_heard(parcel: psycopg.Connection, find: Find) -> None:
    parcel.execute("create or replace function pawl.ring() returns void language sql as ''")
    (finding,) = find(echo=0.05)
    assert (finding.check, finding.severity) == ("doorbell", "warning")
    assert "--listen-dsn" in finding.advice


def test_a_check_that_takes_too_long_says_so_and_the_others_go_on(
    parcel: psycopg.Connection, find: Find
) -> None:
    parcel.execute("alter table pawl.timer rename to timer_away")
    parcel.execute(
        "create view pawl.timer as select * from pawl.timer_away where pg_sleep(30) is null"
    )
    parcel.execute("select pawl.advance_clock('1 second')")
    found = find(patience=timedelta(seconds=3))
    assert names(found) == [("timers", "warning"), ("clock", "error")]
    assert parcel.execute("show statement_timeout").fetchone() == ("0",)


def test_an_operator_who_is_no_superuser_finds_the_same(
    shipping: psycopg.Connection, find: Find
) -> None:
    shipping.execute("update pawl.outbox set created_at = created_at - interval '2 minutes'")
    shipping.execute("update pawl_parcel.instance set needs_rescue = 'no place for it'")
    expected = find()
    shipping.execute("set role pawl_admin")
    assert find() == expected
    assert names(expected) == [("effects", "error"), ("rescue", "warning")]


def test_every_query_has_a_test() -> None:
    files = (Path(__file__), Path(__file__).parents[1] / "cli" / "test_operators.py")
    text = "".join(file.read_text("utf-8") for file in files)
    assert [check.name for check in CHECKS if f'"{check.name}"' not in text] == []


def test_open_effects_are_found_without_reading_those_that_have_ended(
    shipping: psycopg.Connection,
) -> None:
    """Neither table is read from one end to the other; of a partition in use nothing either."""
    shipping.execute(
        "insert into pawl.outbox (iid, seq, created_at, version, machine, id, effect)"
        " select n, 1, now(), 1, 'parcel', n::text, 'book' from generate_series(1, 20000) as n"
    )
    shipping.execute(
        "insert into pawl.effect_result (effect_id, at, outcome)"
        " select effect_id, now(), 'done' from pawl.outbox where iid > 1 or id <> 'p-1'"
    )
    shipping.execute("select pawl.sweep()")
    shipping.execute("analyze")
    plan = shipping.execute(
        "explain select * from pawl.open_effect_status where state = 'ready' order by effect_id"
    ).fetchall()
    text = "\n".join(line for (line,) in plan)
    for table in ("outbox", "effect_result"):
        assert not re.search(rf"Seq Scan on {table}(_1)?\b", text), text
    rows = shipping.execute("select id, state from pawl.open_effect_status").fetchall()
    assert rows == [("p-1", "no handler")]


def test_open_effects_are_those_of_the_whole_view_that_have_not_ended(
    parcel: psycopg.Connection,
) -> None:
    parcel.execute("select pawl.set_clock(now())")  # a backoff may be as short as no time at all
    for id in ("a", "b", "c", "d"):
        parcel.execute("select create_instance('parcel', %s)", (id,))
        parcel.execute("select send_event('parcel', %s, %s)", (id, '{"type": "ship"}'))
    parcel.execute(
        "select pawl.complete_effect(effect_id, token, '{}') from pawl.claim_effects('w', null, 1)"
    )
    parcel.execute(
        "select pawl.fail_effect(effect_id, token, '{}') from pawl.claim_effects('w', null, 1)"
    )
    parcel.execute("select pawl.claim_effects('w', null, 1)")
    for upkeep in ("select 1", "select pawl.sweep()"):
        parcel.execute(upkeep.encode())
        every = parcel.execute(
            "select * from pawl.effect_status where state not in ('done', 'failed', 'cancelled')"
            " order by effect_id"
        ).fetchall()
        assert [row[6] for row in every] == ["backing off", "running", "no handler"]
        found = parcel.execute(
            "select * from pawl.open_effect_status order by effect_id"
        ).fetchall()
        assert found == every
