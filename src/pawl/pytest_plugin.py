"""Fixtures for pytest, which finds this module by the entry point `pytest11`.

Nothing of Pawl is imported before a test asks for a fixture: a run that has no test of a machine
pays nothing for the plugin. `-p no:pawl` turns it off.

| fixture | scope | is |
|---|---|---|
| `pawl_world` | function | a `World`: a fresh database with the charts deployed, a clock, effects |
| `pawl_database` | function | the address of that database, for the code under test |
| `pawl_charts` | function | the files to deploy; override it to name others |
| `pawl_setup` | function | what to run before that: files of SQL, functions of the address |
| `pawl_server` | session | the address of the server |

The server is one of the run's own, started when the first test asks and removed at the end;
with `--pawl-dsn`, or `PAWL_TEST_DSN`, it is another, on which we may create databases and roles.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pawl.testing.databases import Databases, Setup
    from pawl.testing.server import Home
    from pawl.testing.world import World

HOME: pytest.StashKey[Home] = pytest.StashKey()
INPUT = "pawl_home"
VARIABLE = "PAWL_TEST_DSN"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("pawl")
    group.addoption(
        "--pawl-dsn",
        metavar="URI",
        help="Make the databases of pawl_world on this server, as somebody who may create "
        f"databases and roles; else {VARIABLE}, or a server of the run's own.",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give each worker of pytest-xdist the folder of the one server that they share."""
    if _named(node.config) is None:
        node.workerinput[INPUT] = str(_home(node.config).folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    if HOME in config.stash:
        config.stash[HOME].remove()


@pytest.fixture(scope="session")
def pawl_server(pytestconfig: pytest.Config) -> str:
    """The address of the Postgres on which databases are made."""
    named = _named(pytestconfig)
    if named is not None:
        return named
    from pawl.testing import server

    shared = getattr(pytestconfig, "workerinput", {}).get(INPUT)
    return server.start(Path(shared) if shared else _home(pytestconfig).folder)


@pytest.fixture(scope="session")
def pawl_databases(pawl_server: str, pytestconfig: pytest.Config) -> Iterator[Databases]:
    """Makes databases on the server, for whoever needs more than one."""
    from pawl.testing.databases import Databases

    worker = getattr(pytestconfig, "workerinput", {}).get("workerid", "gw")
    databases = Databases(pawl_server, f"{worker}_{os.getpid()}")
    yield databases
    databases.close()


@pytest.fixture
def pawl_charts(request: pytest.FixtureRequest) -> Sequence[Path]:
    """The charts to deploy: those in the test's folder, else in the nearest above that has some."""
    from pawl.testing import charts

    return charts.beside(request.path.parent, request.config.rootpath)


@pytest.fixture
def pawl_setup() -> Sequence[Setup]:
    """What to run before the charts are deployed, such as the tables that they ask: nothing."""
    return ()


@pytest.fixture
def pawl_database(
    pawl_databases: Databases, pawl_charts: Sequence[Path], pawl_setup: Sequence[Setup]
) -> Iterator[str]:
    """The address of a fresh database with the charts deployed, dropped afterwards."""
    with pawl_databases.fresh(pawl_charts, pawl_setup) as dsn:
        yield dsn


@pytest.fixture
def pawl_world(pawl_database: str, request: pytest.FixtureRequest) -> Iterator[World]:
    """A `World` in that database; files are looked for beside the test."""
    from pawl.testing.world import World

    with World(pawl_database, folder=request.path.parent) as world:
        yield world


def _named(config: pytest.Config) -> str | None:
    """The address of another server than one of the run's own."""
    return config.getoption("--pawl-dsn") or os.environ.get(VARIABLE) or None


def _home(config: pytest.Config) -> Home:
    from pawl.testing import server

    if HOME not in config.stash:
        config.stash[HOME] = server.claim()
    return config.stash[HOME]
