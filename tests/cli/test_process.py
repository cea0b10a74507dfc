"""`pawl` as a process: help, exit codes, a terminal that goes away, Ctrl-C, no server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import psycopg
import pytest

from pawl import embedded
from pawl.deploy.install import LOCK
from tests.cli.conftest import Pawl

PAWL = (sys.executable, "-c", "from pawl.cli import main; main()")

WAITING = """\
select exists (
  select from pg_stat_activity
  where datname = current_database() and wait_event_type = 'Lock'
)"""


def process(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    clean = {k: v for k, v in os.environ.items() if k not in ("PAWL_DSN", "DATABASE_URL")}
    return subprocess.Popen(
        [*PAWL, *arguments],
        env={**clean, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A run of the tests in the background has Ctrl-C ignored, and children inherit that.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


def test_help_lists_what_there_is_and_nothing_else(pawl: Pawl) -> None:
    text = pawl("--help").out
    built = (
        *(
            "demo",
            "new",
            "init",
            "check",
            "explain",
            "diagram",
            "compile",
            "deploy",
            "versions",
            "migrate",
            "authz",
            "rescue",
        ),
        *("create", "send", "show", "list", "history", "simulate", "worker", "doctor"),
        *("effects", "timers", "messages", "dead", "pause", "resume", "stop", "erase", "server"),
    )
    for command in built:
        assert f" {command} " in text
        assert pawl(command, "--help").code == 0
    for later in ("studio", "verify"):
        assert f" {later} " not in text
        assert pawl(later).code == 2


def test_a_misspelt_command_is_told_which_was_meant(pawl: Pawl) -> None:
    run = pawl("depoly", "x")
    assert run.code == 2
    assert "no command `depoly`: did you mean `deploy`?" in run.err


def test_the_version_is_the_packages(pawl: Pawl) -> None:
    from pawl import __version__

    assert __version__ in pawl("--version").out


@pytest.mark.parametrize(
    ("dsn", "hint"),
    [
        ("postgresql://127.0.0.1:1/nothing?connect_timeout=2", "is the server running"),
        ("no conninfo at all", "write postgresql://user:password@host:port/database"),
        ("postgresql://127.0.0.1/x?port=5&foo=1", "write postgresql://"),
    ],
)
def test_a_server_that_is_not_there_is_one_message(pawl: Pawl, dsn: str, hint: str) -> None:
    run = pawl("list", "parcel", "--dsn", dsn)
    assert (run.code, run.out) == (1, "")
    assert run.err.startswith("error[connection]: ")
    assert f"= hint: {hint}" in run.err


def test_a_database_without_pawl_says_how_to_install_it(pawl: Pawl, bare_database: str) -> None:
    run = pawl("list", "parcel", "--dsn", bare_database)
    assert (run.code, run.out) == (1, "")
    assert run.err.startswith("error[not_installed]: ")
    assert "pawl init" in run.err
    assert pawl("init", "--dsn", bare_database).code == 0
    assert pawl("list", "parcel", "--dsn", bare_database).err.startswith("error[unknown_machine]")


def test_ctrl_c_ends_a_waiting_deploy_quietly(
    pawl: Pawl, database: str, connection: psycopg.Connection
) -> None:
    pawl("new", "parcel")
    connection.execute("select pg_advisory_lock(%s)", (LOCK,))
    running = process("deploy", "parcel.machine.yaml", PAWL_DSN=database)
    while connection.execute(WAITING).fetchone() != (True,):
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (130, "")
    assert "Traceback" not in err
    connection.execute("select pg_advisory_unlock(%s)", (LOCK,))


def test_a_reader_that_goes_away_is_no_traceback(pawl: Pawl) -> None:
    pawl("new", "parcel")
    running = process("compile", "parcel.machine.yaml")
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.close()
    err = running.stderr.read()
    running.wait(timeout=60)
    running.stderr.close()
    assert err == ""


def test_without_a_dsn_a_local_server_is_started_set_up_and_kept(pawl: Pawl) -> None:
    home = Path(".pawl").absolute()
    try:
        assert pawl("server", "status").code == 1
        pawl("new", "parcel")
        deployed = pawl("deploy", "parcel.machine.yaml")
        assert deployed.code == 0
        assert "starting a local Postgres in" in deployed.err
        assert "installed the Pawl runtime" in deployed.err
        Path("deep").mkdir()
        os.chdir("deep")
        created = pawl("create", "parcel", "n-1", "customer_id=ann", "total=1")
        assert (created.code, created.err) == (0, "")
        status = pawl("server", "status", "--json").json[0]
        assert (status["folder"], status["running"]) == (str(home), True)
        assert "password" not in status["dsn"]
        assert pawl("server", "stop", "--json").json[0]["stopped"] is True
        assert "n-1" in pawl("list", "parcel").out
    finally:
        embedded.remove(home)
