"""`pawl init`, its SQL in print and as a migration of Supabase's."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import Pawl
from tests.database.order import COUNTER, EXAMPLE

pytestmark = pytest.mark.database


def test_init_names_the_schema_and_the_roles_and_keeps_what_is_not_given(
    pawl: Pawl, bare_database: str, client_role: str
) -> None:
    dsn = ("--json", "--dsn", bare_database)
    first = pawl("init", "--api-schema", "api", "--client-role", client_role, *dsn)
    assert first.json == [
        {"api_schema": "api", "client_roles": [client_role], "authenticators": []}
    ]
    assert pawl("init", *dsn).json == first.json
    assert pawl("init", "--api-schema", "other", *dsn).error["code"] == "install_refused"


def test_the_printed_sql_is_what_init_would_run(
    pawl: Pawl, bare_database: str, client_role: str
) -> None:
    given = ("--api-schema", "api", "--client-role", client_role)
    there = pawl("init", "--print", *given, "--dsn", bare_database)
    assert there.code == 0, there.err
    with psycopg.connect(bare_database, autocommit=True) as connection:
        assert connection.execute("select to_regnamespace('pawl')").fetchone() == (None,)
        connection.execute(there.out.encode())
        connection.execute(pawl("init", "--print", *given, "--dsn", bare_database).out.encode())
        assert connection.execute("select pawl.client_roles()").fetchone() == ([client_role],)
    assert pawl("init", "--json", "--dsn", bare_database).json[0]["api_schema"] == "api"


def test_without_a_database_the_sql_is_for_one_without_pawl(pawl: Pawl) -> None:
    run = pawl("init", "--print", "--api-schema", "api", "--client-role", "web")
    assert run.code == 0, run.err
    assert 'create schema "api" authorization pawl_owner;' in run.out
    assert "select pawl.init_roles('{web}'::name[], NULL::name[]);" in run.out
    assert not Path(".pawl").exists()


def test_the_commands_write_the_folder(pawl: Pawl) -> None:
    Path("order.machine.yaml").write_text(EXAMPLE.read_text("utf-8"), "utf-8")
    early = pawl("compile", "--target", "supabase", "order.machine.yaml")
    assert early.code == 1
    assert "pawl init --target supabase" in early.err
    first = pawl("init", "--target", "supabase")
    assert first.code == 0, first.err
    assert "expose the schema `api`" in first.err
    assert pawl("init", "--target", "supabase").out.startswith("unchanged: ")
    assert pawl("compile", "--target", "supabase", "order.machine.yaml").code == 0
    again = pawl("compile", "--target", "supabase", "--json", "order.machine.yaml")
    assert again.json == {"file": None}
    written = [path.name.partition("_")[2] for path in sorted(Path().glob("supabase/*/*.sql"))]
    assert written == ["pawl_runtime.sql", "pawl_order_v1.sql"]
    assert Path("versions/order.1.machine.yaml").is_file()


@pytest.mark.parametrize(
    "arguments",
    [
        ("init", "--print", "--target", "supabase"),
        ("init", "-o", "somewhere"),
        ("compile", "--dsn", "dbname=x", "order.machine.yaml"),
        ("compile", "--dump", "model", "--target", "supabase", "order.machine.yaml"),
    ],
)
def test_options_that_mean_nothing_together_are_refused(
    pawl: Pawl, arguments: tuple[str, ...]
) -> None:
    Path("order.machine.yaml").write_text(EXAMPLE.read_text("utf-8"), "utf-8")
    assert pawl(*arguments).code == 2


def test_what_supabase_lacks_is_refused_at_its_line(pawl: Pawl) -> None:
    text = COUNTER.replace("create: true", "create: auth.uid() is not null")
    Path("counter.machine.yaml").write_text(text, "utf-8")
    run = pawl("compile", "--target", "supabase", "counter.machine.yaml")
    assert run.code == 1
    assert run.err.startswith("error[PW456]: ")
    assert pawl("compile", "counter.machine.yaml").code == 0, "elsewhere it may be one's own"
