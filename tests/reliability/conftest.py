"""A database with the machines under load, a ledger, and workers that are ours to kill."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from tests.reliability.clients import Load
from tests.reliability.ledger import Ledger, balance
from tests.reliability.machines import deploy_machines
from tests.worker.processes import Process, worker

LEASE_IS_OVER = "2 minutes"
SHORT_LEASE = ("--lease", "3")
HANDLERS = str(Path(__file__).parent / "handlers.py")


@dataclass(frozen=True, slots=True)
class Place:
    """A database, the ledger of what happens in it, and its workers."""

    dsn: str
    connection: psycopg.Connection
    ledger: Ledger

    def worker(
        self, *arguments: str, dsn: str | None = None, **environment: str
    ) -> AbstractContextManager[Process]:
        """Run a worker whose leases end when the test says so, for no machine stands still as long;
        a test after which heirs are to take over by themselves gives `SHORT_LEASE`."""
        given = ("--lease", "60", *arguments)
        record = str(self.ledger.record)
        return worker(dsn or self.dsn, HANDLERS, *given, RECORD_FILE=record, **environment)

    def load(self, database: str | ConnectionPool[Any] | None = None, **size: Any) -> Load:
        """Clients that send when it is entered, and have sent everything when it is left."""
        return Load(database or self.dsn, self.ledger, **size)

    def one_job(self, adds: int = 0) -> None:
        """Send what one job gets."""
        with self.load(clients=1, jobs=1, adds=adds):
            pass

    def balance(self) -> None:
        """Wait for the end of everything; then all accounts must agree."""
        balance(self.ledger, self.connection)

    def pass_time(self, by: str) -> None:
        """Let leases and backoffs end."""
        self.connection.execute("select pawl.advance_clock(%s::interval)", (by,))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    record = tmp_path / "effects.jsonl"
    record.touch()
    return Ledger(record)


@pytest.fixture
def place(database: str, connection: psycopg.Connection, ledger: Ledger) -> Place:
    deploy_machines(connection)
    return Place(database, connection, ledger)
