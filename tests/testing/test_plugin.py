"""The fixtures as pytest finds them: in a run of its own, in a folder of a user's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pawl.cli import app

CHART = """\
machine: lamp
events: { press: {} }
authorize: {}
initial: dark
states:
  dark: { on: { press: lit } }
  lit: { after: { 1 hour: dark } }
"""

TEST = """\
import os, pytest

@pytest.mark.parametrize("number", range(3))
def test_a_lamp_goes_out(pawl_world, number):
    lamp = pawl_world.create("lamp", "l-1")
    lamp.send("press")
    pawl_world.advance("1 hour")
    assert lamp.state == ("dark",)
    print("on", pawl_world.connection.info.port, pawl_world.connection.info.user)
"""

Run = Callable[..., str]


@pytest.fixture
def pytest_in(tmp_path: Path) -> Run:
    """Run pytest in a folder with a chart and its test; what it printed."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider\n")
    (tmp_path / "lamp.machine.yaml").write_text(CHART)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_lamp.py").write_text(TEST)

    def run(*arguments: str, fails: bool = False, **environment: str) -> str:
        ours = ("PAWL_TEST_DSN", "PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS")
        kept = {name: value for name, value in os.environ.items() if name not in ours}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "pytest", "-rP", *arguments],
            cwd=tmp_path,
            env=kept | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done.stdout

    return run


def ports(printed: str) -> set[str]:
    """The ports of the servers that the tests had."""
    return {line.split()[1] for line in printed.splitlines() if line.startswith("on ")}


def test_a_run_has_a_server_of_its_own_that_its_workers_share_and_that_ends_with_it(
    pytest_in: Run,
) -> None:
    printed = pytest_in("-n", "2")
    assert "3 passed" in printed
    (port,) = ports(printed)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(host="127.0.0.1", port=port, user="postgres", connect_timeout=5)


def test_the_environment_or_an_option_names_another_server(pytest_in: Run, server_dsn: str) -> None:
    port = str(conninfo_to_dict(server_dsn)["port"])
    assert ports(pytest_in("-k", "0", PAWL_TEST_DSN=server_dsn)) == {port}
    assert ports(pytest_in("-k", "0", "--pawl-dsn", server_dsn)) == {port}


@pytest.fixture
def developer(server_dsn: str) -> Iterator[str]:
    """The address of somebody who is no superuser, but may create databases and roles."""
    name = f"pawl_developer_{os.getpid()}"
    role = sql.Identifier(name)
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("create role {} login createdb createrole").format(role))
        if admin.info.server_version >= 160000:
            grant = "grant pawl_owner, pawl_admin, pawl_worker, pawl_client to {} with admin true"
            admin.execute(sql.SQL(grant).format(role))
        yield make_conninfo(server_dsn, user=name)
        admin.execute(sql.SQL("drop owned by {}").format(role))
        admin.execute(sql.SQL("drop role {}").format(role))


def test_who_may_create_databases_and_roles_need_not_be_superuser(
    pytest_in: Run, developer: str, template_database: str
) -> None:
    printed = pytest_in("-k", "0", PAWL_TEST_DSN=developer)
    assert f"on {conninfo_to_dict(developer)['port']} pawl_developer_" in printed


def test_the_test_that_pawl_new_writes_passes(
    pytest_in: Run, tmp_path: Path, server_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert app.run(["new", "parcel-2", "-o", "tests"]) == 0
    assert "3 passed" in pytest_in("tests/test_parcel_2.py", PAWL_TEST_DSN=server_dsn)


def test_nothing_is_left_on_the_server(pytest_in: Run, server_dsn: str) -> None:
    count = "select count(*) from pg_database where datname like 'pawl\\_t%\\_gw\\_%'"
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        before = admin.execute(count).fetchone()
        pytest_in(PAWL_TEST_DSN=server_dsn)
        assert admin.execute(count).fetchone() == before


def test_a_server_that_does_not_answer_is_an_error_of_the_test(pytest_in: Run) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    printed = pytest_in("-k", "0", fails=True, PAWL_TEST_DSN=nowhere)
    assert "1 error" in printed
    assert "port 1 failed" in printed


def test_a_run_that_asks_for_no_fixture_imports_nothing_of_pawl(
    pytest_in: Run, tmp_path: Path
) -> None:
    (tmp_path / "tests" / "test_lamp.py").write_text(
        "import sys\n\n"
        "def test_it():\n"
        "    assert not [m for m in sys.modules if m.startswith(('pawlc', 'psycopg'))]\n"
        "    assert sorted(m for m in sys.modules if m.split('.')[0] == 'pawl') == "
        "['pawl', 'pawl.pytest_plugin']\n"
    )
    assert "1 passed" in pytest_in()
    assert (
        "unrecognized arguments"
        in subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:pawl", "--pawl-dsn", "x"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        ).stderr
    )
