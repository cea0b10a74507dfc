"""The machine `door`, written by hand in handmade.sql, and roles of a test's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.database.calls import Call, call_on


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
