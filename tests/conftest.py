"""One test server for a whole run, and a fresh database for each test that asks.

The controller starts the server and exports its address; xdist's workers connect to it. Set
TEST_DSN, or TEST_PGHOST, TEST_PGPORT, TEST_PGUSER, TEST_PGPASSWORD, to test on another server
(we must be superuser there); PG_BINDIR, to test on other binaries.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator

import hypothesis
import psycopg
import pytest
from psycopg import sql

from tests import optional, testserver

# In CI the same examples every time: new ones are the business of `make fuzz`.
hypothesis.settings.register_profile("default", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("default")

SERVER = pytest.StashKey[testserver.TestServer]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "database: needs a Postgres (set by itself where it shows)")
    config.addinivalue_line("markers", "smoke: the few tests that CI runs on every major version")
    config.addinivalue_line(
        "markers", "long: left out by `make test`; CI and `make reliability` run it"
    )
    is_worker = hasattr(config, "workerinput")
    if not is_worker and not config.option.collectonly and testserver.address() is None:
        config.stash[SERVER] = testserver.start()
    if (dsn := testserver.address()) is not None:
        os.environ.setdefault("PAWL_TEST_DSN", dsn)  # for the fixtures that we ship


def pytest_unconfigure(config: pytest.Config) -> None:
    if SERVER in config.stash:
        config.stash[SERVER].stop()


def pytest_report_header(config: pytest.Config) -> str:
    return f"postgres: {testserver.describe()}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses the server, so that `-m database` and `-m 'not database'` select it."""
    for item in items:
        if {"server_dsn", "pawl_server"} & {*getattr(item, "fixturenames", ())}:
            item.add_marker(pytest.mark.database)


@pytest.fixture(scope="session")
def server_dsn() -> str:
    """The superuser's address of the test server, database `postgres`."""
    dsn = testserver.address()
    if dsn is None:
        pytest.fail(f"no test server: {testserver.failure()}", pytrace=False)
    return dsn


@pytest.fixture(scope="session")
def template_database(server_dsn: str, worker_name: str) -> Iterator[str]:
    """The name of the database that each test's is cloned from: Pawl's runtime is installed.

    Roles belong to the whole server, so only one worker installs at a time.
    """
    name = f"pawl_template_{worker_name}"
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        admin.execute("select pg_advisory_lock(7291550)")
        _create(admin, name, template="template0")
        _install(testserver.within(server_dsn, name))
        admin.execute("select pg_advisory_unlock(7291550)")
    yield name
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        _drop(admin, name)


@pytest.fixture(scope="session")
def worker_name(request: pytest.FixtureRequest) -> str:
    """A name for what this process makes on the server; several runs may share one server."""
    worker = getattr(request.config, "workerinput", {}).get("workerid", "gw")
    return f"{worker}_{os.getpid()}"


@pytest.fixture(scope="session")
def _admin(server_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        yield admin


@pytest.fixture
def database(
    _admin: psycopg.Connection, server_dsn: str, template_database: str, worker_name: str
) -> Iterator[str]:
    """The superuser's address of a fresh database with Pawl's runtime, dropped afterwards."""
    name = f"pawl_test_{worker_name}"
    _create(_admin, name, template=template_database)
    yield testserver.within(server_dsn, name)
    _drop(_admin, name)


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection]:
    """A superuser's autocommit connection to the test's own database."""
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def plpython3u(connection: psycopg.Connection) -> None:
    """The extension plpython3u in the test's database, else the test is skipped or fails."""
    optional.require_extension(connection, "plpython3u")


@pytest.fixture
def plpgsql_check(connection: psycopg.Connection) -> None:
    """The extension plpgsql_check in the test's database, else the test is skipped or fails."""
    optional.require_extension(connection, "plpgsql_check")


def _create(admin: psycopg.Connection, name: str, *, template: str) -> None:
    _drop(admin, name)
    statement = sql.SQL("create database {} template {}")
    admin.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))


def _drop(admin: psycopg.Connection, name: str) -> None:
    statement = sql.SQL("drop database if exists {} with (force)")
    admin.execute(statement.format(sql.Identifier(name)))


def _install(dsn: str) -> None:
    """Install Pawl's runtime, once there is one."""
    spec = importlib.util.find_spec("pawl.deploy")
    if spec is None or spec.origin is None:
        return
    from pawl import deploy

    with psycopg.connect(dsn, autocommit=True) as connection:
        deploy.install(connection)
