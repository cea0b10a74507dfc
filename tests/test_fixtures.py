"""What every other test relies on: the server and the databases of the fixtures."""

from __future__ import annotations

import psycopg
import pytest

from tests.optional import needs_plpgsql_check, needs_plpython

TABLE = "create table only_mine ()"


@pytest.mark.smoke
@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_a_database_of_its_own(connection: psycopg.Connection, turn: int) -> None:
    connection.execute(TABLE)


@pytest.mark.smoke
def test_the_server_is_a_supported_major_version(server_dsn: str) -> None:
    with psycopg.connect(server_dsn) as connection:
        assert 15 <= connection.info.server_version // 10_000 <= 18


@needs_plpython
def test_plpython_runs_where_the_server_has_it(connection: psycopg.Connection) -> None:
    connection.execute("create function one() returns int language plpython3u as 'return 1'")
    assert connection.execute("select one()").fetchone() == (1,)


@needs_plpgsql_check
def test_plpgsql_check_runs_where_the_server_has_it(connection: psycopg.Connection) -> None:
    connection.execute(
        "create function bad() returns int language plpgsql as 'begin return nowhere; end'"
    )
    found = connection.execute("select message from plpgsql_check_function_tb('bad()')").fetchone()
    assert found == ('column "nowhere" does not exist',)
