"""The Postgres of one test run: started by the controller, known to the workers by TEST_DSN.

It is the one of `pawl.testing.server`, as our users have it for their tests.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import psycopg
from psycopg.conninfo import make_conninfo

from pawl import embedded
from pawl.testing import server
from pawl.testing.databases import within

__all__ = ["TestServer", "address", "describe", "failure", "start", "within"]

ADDRESS = "TEST_DSN"
FAILURE = "PAWL_TEST_SERVER_FAILURE"  # how the controller tells its workers
PARTS = {"host": "TEST_PGHOST", "port": "TEST_PGPORT", "user": "TEST_PGUSER"}


@dataclass(frozen=True, slots=True)
class TestServer:
    """This run's server, or what is left when it could not be started."""

    __test__ = False

    home: server.Home

    def stop(self) -> None:
        """Stop the server and forget its data."""
        os.environ.pop(ADDRESS, None)
        os.environ.pop(FAILURE, None)
        self.home.remove()


def start() -> TestServer:
    """Start this run's server and export its address, or the reason why there is none.

    A failure is reported by the tests that need the server; the others run.
    """
    home = server.claim()
    try:
        os.environ[ADDRESS] = server.start(home.folder)
    except embedded.EmbeddedError as error:
        os.environ[FAILURE] = str(error)
    return TestServer(home)


def address() -> str | None:
    """Return the superuser's address of the test server, if there is one."""
    if dsn := os.environ.get(ADDRESS):
        return dsn
    parts = {key: os.environ[name] for key, name in PARTS.items() if name in os.environ}
    if not parts:
        return None
    if password := os.environ.get("TEST_PGPASSWORD"):
        parts["password"] = password
    return make_conninfo("", **({"user": "postgres", "dbname": "postgres"} | parts))


def failure() -> str:
    """Return why the controller could not start a server."""
    return os.environ.get(FAILURE, "it was not started")


def describe() -> str:
    """Name the server in the header of the run."""
    dsn = address()
    if dsn is None:
        return "none"
    try:
        with psycopg.connect(dsn, connect_timeout=5) as connection:
            return f"{connection.info.parameter_status('server_version')} at {_place(connection)}"
    except psycopg.OperationalError as error:
        return f"does not answer: {error}"


def _place(connection: psycopg.Connection) -> str:
    return f"{connection.info.host}:{connection.info.port}"
