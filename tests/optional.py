"""Components that not every machine has: a test that needs one says so here.

On a laptop such a test is skipped, and says why. A run that is meant to have the component names it
in PAWL_REQUIRE (`PAWL_REQUIRE=plpython3u,plpgsql_check`), and there its absence is a failure. It is
not tied to CI as such: CI tests first on the embedded server, which has neither of those two, and
then on Debian's, which has both.

    from tests.optional import needs_plpython

    @needs_plpython
    def test_a_python_guard_decides(connection): ...
"""

from __future__ import annotations

import os
import shutil
from functools import cache

import psycopg
import pytest
from psycopg import sql

KNOWN = frozenset({"plpython3u", "plpgsql_check", "postgrest", "psql", "xstate", "pgbouncer"})

needs_plpython = pytest.mark.usefixtures("plpython3u")
needs_plpgsql_check = pytest.mark.usefixtures("plpgsql_check")


@cache
def required() -> frozenset[str]:
    """Return the components that this run must have."""
    named = frozenset(filter(None, os.environ.get("PAWL_REQUIRE", "").replace(" ", "").split(",")))
    if unknown := named - KNOWN:
        raise pytest.UsageError(f"PAWL_REQUIRE names {', '.join(sorted(unknown))}: not one of ours")
    return named


def require(component: str, reason: str | None) -> None:
    """Skip the test when `reason` says why the component is absent; fail if it is required."""
    assert component in KNOWN, f"add {component} to KNOWN"
    if reason is None:
        return
    if component in required():
        pytest.fail(f"PAWL_REQUIRE names {component}, but {reason}", pytrace=False)
    pytest.skip(f"{component}: {reason}")


def require_extension(connection: psycopg.Connection, name: str) -> None:
    """Create a Postgres extension in the test's database, or skip the test."""
    try:
        connection.execute(
            sql.SQL("create extension if not exists {}").format(sql.Identifier(name))
        )
    except psycopg.Error as error:
        require(name, f"this server does not have it ({error.diag.message_primary})")


def require_program(name: str) -> str:
    """Return the path of a program, or skip the test."""
    path = shutil.which(name)
    require(name, None if path else "it is not on PATH")
    return path or name
