"""Running `pawl` inside the test's process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pawl.cli import app
from tests import testserver


@dataclass(frozen=True, slots=True)
class Run:
    """What a run of `pawl` did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """The error that `--json` writes to stderr."""
        return json.loads(self.err)["error"]


Pawl = Callable[..., Run]


@pytest.fixture
def pawl(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Pawl:
    """Run the command in an empty folder, without a database in the environment."""
    monkeypatch.chdir(tmp_path)
    for variable in ("PAWL_DSN", "DATABASE_URL"):
        monkeypatch.delenv(variable, raising=False)

    def run(*arguments: str) -> Run:
        capsys.readouterr()
        code = app.run(arguments)
        captured = capsys.readouterr()
        return Run(code, captured.out, captured.err)

    return run


@pytest.fixture
def online(pawl: Pawl, database: str, monkeypatch: pytest.MonkeyPatch) -> Pawl:
    """The same, with the test's own database in the environment."""
    monkeypatch.setenv("PAWL_DSN", database)
    return pawl


@pytest.fixture
def bare_database(server_dsn: str) -> Iterator[str]:
    """The superuser's address of a database in which nothing is installed."""
    name = f"pawl_bare_{os.getpid()}"
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        admin.execute(f"create database {name} template template0".encode())
        yield testserver.within(server_dsn, name)
        admin.execute(f"drop database {name} with (force)".encode())


@pytest.fixture
def client_role(connection: psycopg.Connection) -> Iterator[str]:
    """A nologin role of this test's own, for roles belong to the whole server."""
    name = f"pawl_cli_{os.getpid()}"
    role = sql.Identifier(name)
    connection.execute(sql.SQL("create role {} nologin").format(role))
    yield name
    connection.execute(sql.SQL("drop owned by {}").format(role))
    connection.execute(sql.SQL("drop role {}").format(role))
