"""The Postgres of one test run: started by the controller, known to the workers by TEST_DSN.

Each run has a server of its own in a folder of its own, and holds that folder's `owner` lock for as
long as it lives. A run that was killed lost its lock: the next one stops its server and removes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pawl import embedded

# Durability is for data that somebody wants to see again.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "200",
    "timezone": "UTC",
    "log_min_messages": "warning",
}
ADDRESS = "TEST_DSN"
FAILURE = "PAWL_TEST_SERVER_FAILURE"  # how the controller tells its workers
PARTS = {"host": "TEST_PGHOST", "port": "TEST_PGPORT", "user": "TEST_PGUSER"}


@dataclass(frozen=True, slots=True)
class TestServer:
    """This run's server, or what is left when it could not be started."""

    __test__ = False

    folder: Path
    owner: int  # descriptor that holds the lock

    def stop(self) -> None:
        """Stop the server and forget its data."""
        os.environ.pop(ADDRESS, None)
        os.environ.pop(FAILURE, None)
        _remove(self.folder)
        os.close(self.owner)


def start() -> TestServer:
    """Start this run's server and export its address, or the reason why there is none.

    A failure is reported by the tests that need the server; the others run.
    """
    base = _base()
    for left in base.iterdir():
        _reclaim(left)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=base))
    folder.chmod(0o755)
    owner = _lock(folder)
    assert owner is not None, "nobody else knows this folder"
    try:
        server = embedded.start(folder / "server", settings=SETTINGS, auth="trust")
        os.environ[ADDRESS] = server.dsn()
    except embedded.EmbeddedError as error:
        os.environ[FAILURE] = str(error)
    return TestServer(folder, owner)


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


def within(dsn: str, dbname: str) -> str:
    """Return the same address with another database."""
    return make_conninfo("", **(conninfo_to_dict(dsn) | {"dbname": dbname}))


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


def _base() -> Path:
    """Return the folder of all runs of this user, one that nobody else made."""
    base = Path(tempfile.gettempdir()) / f"pawl-tests-{os.getuid()}"
    base.mkdir(mode=0o755, exist_ok=True)
    if base.lstat().st_uid != os.getuid():
        raise RuntimeError(f"{base} belongs to another user: set TMPDIR to a folder of your own")
    return base


def _lock(folder: Path) -> int | None:
    """Hold the folder's `owner` lock until this process ends; None if its owner lives."""
    descriptor = os.open(folder / "owner", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _reclaim(folder: Path) -> None:
    """Remove the server of a run that was killed. Another run may be doing the same."""
    with contextlib.suppress(OSError, embedded.EmbeddedError):
        descriptor = _lock(folder)
        if descriptor is not None:
            _remove(folder)
            os.close(descriptor)


def _remove(folder: Path) -> None:
    embedded.remove(folder / "server")
    (folder / "owner").unlink(missing_ok=True)
    folder.rmdir()
