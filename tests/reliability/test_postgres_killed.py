"""Postgres is killed and comes back, while workers and clients are at it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.reliability.conftest import SHORT_LEASE, Place
from tests.reliability.ledger import Ledger
from tests.reliability.servers import own_server

pytestmark = pytest.mark.timeout(900)


@pytest.mark.long
@pytest.mark.database
def test_everybody_goes_on_when_postgres_was_killed(tmp_path: Path, ledger: Ledger) -> None:
    with own_server(tmp_path / "server") as server:
        place = Place(server.dsn, None, ledger)
        with place.worker("--concurrency", "20", *SHORT_LEASE, TELL_TAKES="0.01") as process:
            process.wait_for("listening")
            with place.load(clients=8, jobs=10, adds=9) as load:
                for part in (3, 2):
                    ledger.wait_for(load.events // part)
                    server.kill()
                    process.wait_for("database_error")
                    server.start()
                    process.wait_for("listening")
            with psycopg.connect(server.dsn, autocommit=True) as connection:
                Place(server.dsn, connection, ledger).balance()
            assert process.popen.poll() is None
    assert any(sent.tries for sent in ledger.sent), "it was killed under load"
