"""`pawl worker` as a process: begins, listens or polls, survives, and ends."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pawl import embedded
from pawl.deploy import install
from tests.worker.conftest import Parcels, deploy_parcel
from tests.worker.processes import PATIENCE, Process, worker

HANDLERS = str(Path(__file__).parent / "handlers_parcel.py")


class Reports:
    """What handlers in other processes tell."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(PATIENCE)
        self.port = str(self._server.getsockname()[1])

    def next(self) -> str:
        connection, _ = self._server.accept()
        with connection, connection.makefile() as lines:
            return lines.readline().rstrip()

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def reports() -> Iterator[Reports]:
    found = Reports()
    yield found
    found.close()


@pytest.fixture
def running(parcels: Parcels, reports: Reports, tmp_path: Path) -> Iterator[Process]:
    """A worker that has begun."""
    parcels.connection.execute("select pawl.reset_clock()")
    environment = {"REPORT_PORT": reports.port, "GO_FILE": str(tmp_path / "go")}
    with worker(parcels.dsn, HANDLERS, "--lease", "60", **environment) as process:
        process.wait_for("started")
        yield process


@pytest.mark.smoke
def test_it_performs_what_comes_and_ends_when_told(parcels: Parcels, running: Process) -> None:
    parcels.create("p-1")
    running.wait_for("applied", instance="p-1", effect="print_label", attempt=1)
    running.wait_for("applied", instance="p-1", effect="tell")
    assert parcels.row("p-1") == {"state": "packed", "label": "p-1", "failure": None}
    running.signal(signal.SIGTERM)
    assert running.wait_for("stopping")["in_flight"] == 0
    running.wait_for("stopped")
    assert running.end() == 0


def test_a_burst_is_performed_to_the_last(parcels: Parcels, running: Process) -> None:
    for n in range(100):
        parcels.create(f"p-{n}")
    missing = {f"p-{n}" for n in range(100)}
    while missing:
        missing.discard(running.wait_for("applied", effect="tell")["instance"])
    (count,) = parcels.connection.execute(
        "select count(*) from pawl_parcel.instance where state = '{packed}'"
    ).fetchone() or (0,)
    assert count == 100


def test_timers_fire(parcels: Parcels, running: Process) -> None:
    parcels.create("endless-1")
    running.wait_for("claimed", instance="endless-1")
    parcels.connection.execute("update pawl.timer set due_at = now()")
    running.wait_for("fired")
    assert parcels.state("endless-1") == "cancelled"


def test_a_handler_is_told_when_its_state_is_left(
    parcels: Parcels, running: Process, reports: Reports
) -> None:
    parcels.create("endless-1")
    running.wait_for("claimed", instance="endless-1")
    parcels.send("endless-1", "cancel")
    assert reports.next() == "ended endless-1"
    running.wait_for("cancelled", instance="endless-1")
    assert parcels.state("endless-1") == "cancelled"


def test_a_handler_is_told_when_an_operator_cancels_its_effect(
    parcels: Parcels, running: Process, reports: Reports
) -> None:
    parcels.create("endless-1")
    claimed = running.wait_for("claimed", instance="endless-1")
    parcels.connection.execute("select pawl.cancel_effect(%s, 'no')", (claimed["effect_id"],))
    assert reports.next() == "ended endless-1"
    running.wait_for("cancelled", instance="endless-1")


def test_what_runs_is_finished_before_it_ends(
    parcels: Parcels, running: Process, tmp_path: Path
) -> None:
    parcels.create("slow-1")
    running.wait_for("claimed", instance="slow-1")
    running.signal(signal.SIGTERM)
    assert running.wait_for("stopping")["in_flight"] == 1
    (tmp_path / "go").touch()
    running.wait_for("applied", instance="slow-1")
    assert running.end() == 0
    assert parcels.state("slow-1") == "packed"


def test_a_second_signal_ends_it_at_once(
    parcels: Parcels, running: Process, reports: Reports
) -> None:
    parcels.create("endless-1")
    running.wait_for("claimed", instance="endless-1")
    running.signal(signal.SIGINT)
    running.wait_for("stopping")
    running.signal(signal.SIGINT)
    assert reports.next() == "ended endless-1"
    assert running.end() == 0
    assert parcels.state("endless-1") == "packing"
    with worker(parcels.dsn, HANDLERS, REPORT_PORT=reports.port) as other:
        other.wait_for("claimed", instance="endless-1", attempt=1)


def test_a_thread_that_does_not_return_does_not_hold_it(parcels: Parcels, running: Process) -> None:
    parcels.create("deaf-1")
    running.wait_for("claimed", instance="deaf-1", effect="tell")
    running.signal(signal.SIGTERM)
    running.wait_for("stopping")
    running.signal(signal.SIGTERM)
    assert running.end() == 0


def test_it_goes_on_after_its_connections_are_cut(parcels: Parcels, running: Process) -> None:
    parcels.create("p-1")
    running.wait_for("applied", instance="p-1", effect="tell")
    parcels.connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and application_name = 'pawl worker'"
    )
    parcels.create("p-2")
    running.wait_for("applied", instance="p-2", effect="tell")


@pytest.mark.database
def test_it_goes_on_after_a_restart_of_postgres(tmp_path: Path) -> None:
    """At once, however long Postgres was away: the pool's own pauses are an hour here."""
    server = embedded.start(tmp_path, auth="trust")
    try:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            install(connection)
            deploy_parcel(connection)
            Parcels(server.dsn(), connection).create("p-1")
        with worker(server.dsn(), HANDLERS, POOL_PAUSE="3600") as process:
            process.wait_for("applied", instance="p-1", effect="tell")
            embedded.stop(tmp_path)
            process.wait_for("database_error")
            server = embedded.start(tmp_path, auth="trust")
            process.wait_for("listening")
            with psycopg.connect(server.dsn(), autocommit=True) as connection:
                Parcels(server.dsn(), connection).create("p-2")
            process.wait_for("applied", instance="p-2", effect="tell")
    finally:
        embedded.remove(tmp_path)


def test_it_says_who_it_is_until_it_goes(parcels: Parcels, running: Process) -> None:
    parcels.create("p-1")
    running.wait_for("applied", instance="p-1", effect="tell")
    query = "select effects, pid from pawl.worker"
    assert parcels.connection.execute(query).fetchall() == [
        (["print_label", "tell"], running.popen.pid)
    ]
    running.signal(signal.SIGTERM)
    assert running.end() == 0
    assert parcels.connection.execute(query).fetchall() == []


def test_the_logs_of_handlers_are_lines_of_the_same_kind(
    parcels: Parcels, running: Process
) -> None:
    parcels.create("p-1")
    line = running.wait_for("log", logger="shop")
    assert line["message"] == "printing"


def test_two_workers_share_the_work(parcels: Parcels, reports: Reports, tmp_path: Path) -> None:
    parcels.connection.execute("select pawl.reset_clock()")
    environment = {"REPORT_PORT": reports.port, "GO_FILE": str(tmp_path / "go")}
    arguments = (HANDLERS, "--concurrency", "1")
    with (
        worker(parcels.dsn, *arguments, **environment) as first,
        worker(parcels.dsn, *arguments, **environment) as second,
    ):
        for process in (first, second):
            process.wait_for("started")
        for id in ("slow-1", "slow-2"):
            parcels.create(id)
        for process in (first, second):
            process.wait_for("claimed")
        (tmp_path / "go").touch()
        for process in (first, second):
            process.wait_for("applied", effect="print_label")


def test_only_what_is_named_is_performed(parcels: Parcels, tmp_path: Path) -> None:
    parcels.connection.execute("select pawl.reset_clock()")
    parcels.create("p-1")
    with (
        worker(parcels.dsn, HANDLERS, "--effects", "tell") as teller,
        worker(parcels.dsn, HANDLERS, "--effects", "print_label") as printer,
    ):
        printer.wait_for("applied", effect="print_label")
        teller.wait_for("applied", effect="tell")
        assert {line["effect"] for line in teller.lines if line["event"] == "claimed"} == {"tell"}


def test_without_a_listening_session_it_polls(parcels: Parcels) -> None:
    parcels.connection.execute("select pawl.reset_clock()")
    with worker(parcels.dsn, HANDLERS, "--poll") as process:
        process.wait_for("polling")
        parcels.create("p-1")
        process.wait_for("applied", instance="p-1", effect="print_label")


def test_a_listen_dsn_that_leads_nowhere_is_said_and_it_polls(parcels: Parcels) -> None:
    parcels.connection.execute("select pawl.reset_clock()")
    nowhere = "postgresql://127.0.0.1:1/nothing?connect_timeout=2"
    with worker(parcels.dsn, HANDLERS, "--listen-dsn", nowhere) as process:
        process.wait_until(lambda line: line["event"] in ("not_listening", "polling"), "a word")
        parcels.create("p-1")
        process.wait_for("applied", instance="p-1", effect="print_label")


def test_a_database_that_is_not_there_is_one_message(parcels: Parcels) -> None:
    dsn = psycopg.conninfo.make_conninfo(parcels.dsn, port=1, connect_timeout=2)
    with worker(dsn, HANDLERS) as process:
        assert process.end() == 1
        line = process.wait_until(lambda line: line["event"] == "text", "a message")
        assert line["text"].startswith("error[connection]: ")
