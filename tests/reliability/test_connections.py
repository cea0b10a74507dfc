"""Connections are cut, scarce, or lead to a pooler."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from tests.reliability.conftest import SHORT_LEASE, Place
from tests.reliability.ledger import Ledger
from tests.reliability.servers import own_server, pgbouncer

pytestmark = pytest.mark.timeout(900)

CUT = """\
select count(pg_terminate_backend(pid)) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
  and backend_type = 'client backend'
"""


def test_connections_are_cut_again_and_again(place: Place) -> None:
    with place.worker(*SHORT_LEASE, TELL_TAKES="0.01") as process:
        process.wait_for("listening")
        with place.load(clients=4, jobs=10, adds=9) as load:
            for part in range(1, 10):
                place.ledger.wait_for(load.events * part // 10)
                place.connection.execute(CUT)
        place.balance()
        assert process.popen.poll() is None
    assert any(sent.tries for sent in place.ledger.sent)


@pytest.mark.long
@pytest.mark.database
def test_no_connection_is_left(tmp_path: Path, ledger: Ledger) -> None:
    scarce = {"max_connections": "8", "superuser_reserved_connections": "0"}
    with own_server(tmp_path / "server", **scarce) as server, ExitStack() as stack:
        connection = stack.enter_context(psycopg.connect(server.dsn, autocommit=True))
        place = Place(server.dsn, connection, ledger)
        pool = stack.enter_context(ConnectionPool(server.dsn, min_size=2, max_size=2, timeout=60))
        pool.wait()
        process = stack.enter_context(place.worker("--concurrency", "20", TELL_TAKES="0.01"))
        process.wait_for("listening")
        hoard(server.dsn, stack)
        with place.load(pool, clients=6, jobs=4, adds=9):
            pass
        place.balance()


def hoard(dsn: str, stack: ExitStack) -> None:
    """Take all connections that are left."""
    while True:
        try:
            stack.enter_context(psycopg.connect(dsn))
        except psycopg.OperationalError as error:
            if "too many clients" not in str(error):
                raise
            return


@pytest.mark.long
def test_a_pooler_in_transaction_mode_is_between(place: Place, tmp_path: Path) -> None:
    with pgbouncer(place.dsn, tmp_path / "pgbouncer", pool=3) as pooled:
        arguments = ("--listen-dsn", place.dsn, "--concurrency", "20")
        with place.worker(*arguments, dsn=pooled) as process:
            process.wait_for("listening")
            with place.load(pooled, clients=10, jobs=5, adds=9, claims=True):
                pass
            place.balance()
            said = "select event ->> 'mark', sub from pawl.journal where event ? 'mark'"
            sent = {
                sent.mark: sent.client if int(sent.client[1:]) % 2 else None
                for sent in place.ledger.sent
            }
            assert dict(place.connection.execute(said).fetchall()) == sent, "whose claims they are"
            process.signal(signal.SIGTERM)
            process.wait_for("stopped")
            assert not [line for line in process.lines if line["event"] == "database_error"]


@pytest.mark.long
def test_a_worker_that_has_only_a_pooler_polls(place: Place, tmp_path: Path) -> None:
    with (
        pgbouncer(place.dsn, tmp_path / "pgbouncer", pool=3) as pooled,
        place.worker(dsn=pooled) as process,
    ):
        process.wait_for("polling")
        with place.load(pooled, clients=2, jobs=2, adds=2):
            pass
        place.balance()
