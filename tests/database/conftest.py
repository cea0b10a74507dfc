"""The machine `door`, written by hand; roles; a database that the tests of a module share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests import testserver
from tests.database.calls import Call, call_on
from tests.database.order import Cast


@pytest.fixture
def call(connection: psycopg.Connection) -> Call:
    """Run a query for its first value, as superuser."""
    return call_on(connection)


@pytest.fixture
def door(call: Call) -> Call:
    """The same, in a database with the machine `door`."""
    call((Path(__file__).parent / "handmade.sql").read_text("utf-8"))
    return call


@pytest.fixture
def role_name(database: str) -> Iterator[Callable[[str], str]]:
    """Make role names that are this test's own, for roles belong to the whole server."""
    made: list[str] = []

    def name(word: str) -> str:
        made.append(f"pawl_test_{os.getpid()}_{word}")
        return made[-1]

    yield name
    with psycopg.connect(database, autocommit=True) as admin:
        for role in map(sql.Identifier, made):
            if admin.execute(
                sql.SQL("select to_regrole({})").format(sql.Literal(role.as_string()))
            ).fetchone() != (None,):
                admin.execute(sql.SQL("drop owned by {}").format(role))
                admin.execute(sql.SQL("drop role {}").format(role))


@pytest.fixture(scope="module")
def module_database(
    server_dsn: str, template_database: str, worker_name: str, request: pytest.FixtureRequest
) -> Iterator[str]:
    """The superuser's address of a database that a module's tests share, each with its own ids."""
    module = request.module.__name__.rpartition(".")[2].removeprefix("test_")
    name = f"pawl_{module}_{worker_name}"
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        drop = sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
        create = sql.SQL("create database {} template {}")
        admin.execute(drop)
        admin.execute(create.format(sql.Identifier(name), sql.Identifier(template_database)))
        yield testserver.within(server_dsn, name)
        admin.execute(drop)


@pytest.fixture(scope="session")
def cast(server_dsn: str, template_database: str, worker_name: str) -> Iterator[Cast]:
    """Roles for a whole run; a database names them with `order.admit`."""
    names = [f"pawl_{word}_{worker_name}" for word in ("client", "login", "stranger", "outsider")]
    client, login, stranger, outsider = (sql.Identifier(name) for name in names)
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("create role {} nologin").format(client))
        admin.execute(sql.SQL("create role {} login noinherit").format(login))
        for role in (stranger, outsider):
            admin.execute(sql.SQL("create role {} login").format(role))
        admin.execute(sql.SQL("grant {} to {}, {}").format(client, login, stranger))
        yield Cast(*names)
        for role in (login, stranger, outsider, client):
            admin.execute(sql.SQL("drop role {}").format(role))
