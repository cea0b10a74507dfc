"""A local server starts, stops and comes back, whoever was killed."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from pawl import embedded
from pawl.embedded import cluster, layout, server
from pawl.embedded.errors import FULL_DISK

pytestmark = pytest.mark.database

FAST = {"fsync": "off"}
START = "import sys, pathlib; from pawl import embedded; " + (
    "print(embedded.start(pathlib.Path(sys.argv[1]), settings={'fsync': 'off'}).dsn())"
)


def answer(running: embedded.Server, question: str) -> object:
    """Return the first column of the first row."""
    with psycopg.connect(running.dsn()) as connection:
        row = connection.execute(question.encode()).fetchone()
    return row and row[0]


def pid_of(home: Path) -> int:
    process = cluster.postmaster(layout.read(home))
    assert process is not None
    return process.pid


@pytest.mark.smoke
def test_a_server_keeps_its_data_and_its_port_over_a_stop(home: Path) -> None:
    first = embedded.start(home, settings=FAST)
    with psycopg.connect(first.dsn()) as connection:
        connection.execute("create table kept as select 7 as n")
    assert embedded.stop(home)
    assert embedded.status(home) is None
    second = embedded.start(home, settings=FAST)
    assert second == first
    assert answer(second, "select n from kept") == 7


def test_starting_twice_returns_the_running_server(home: Path) -> None:
    first = embedded.start(home, settings=FAST)
    pid = pid_of(home)
    assert embedded.start(home) == first == embedded.status(home)
    assert pid_of(home) == pid


def test_stopping_what_does_not_run_is_no_error(home: Path) -> None:
    assert not embedded.stop(home)
    embedded.start(home, settings=FAST)
    assert embedded.stop(home)
    assert not embedded.stop(home)


def test_looking_at_a_folder_makes_nothing(home: Path) -> None:
    assert embedded.status(home) is None
    assert not home.exists()


def test_settings_reach_the_server_whatever_they_contain(home: Path) -> None:
    settings = FAST | {"application_name": 'it\'s; a "test" $HOME', "work_mem": "5MB"}
    running = embedded.start(home, settings=settings)
    assert answer(running, "show work_mem") == "5MB"
    assert (
        answer(running, "select reset_val from pg_settings where name = 'application_name'")
        == (settings["application_name"])
    )


def test_a_setting_that_postgres_refuses_is_reported_in_its_words(home: Path) -> None:
    with pytest.raises(embedded.EmbeddedError, match="does not start") as caught:
        embedded.start(home, settings={"work_mem": "plenty"})
    assert 'invalid value for parameter "work_mem": "plenty"' in str(caught.value)
    assert str(home / "server.log") in str(caught.value)


# --- who may connect -----------------------------------------------------------------------


@pytest.mark.smoke
def test_only_the_password_opens_the_server(home: Path) -> None:
    running = embedded.start(home, settings=FAST)
    assert running.pgpass is not None
    assert running.password is not None
    assert running.pgpass.stat().st_mode & 0o777 == 0o600
    assert running.password not in repr(running) + running.shown_dsn()
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(running.dsn().replace(f":{running.password}@", "@"), passfile="/dev/null")
    with psycopg.connect(running.shown_dsn()) as connection:
        assert connection.info.user == "postgres"


def test_the_server_of_tests_trusts(home: Path) -> None:
    running = embedded.start(home, settings=FAST, auth="trust")
    assert running.password is None
    assert answer(running, "select 1") == 1


def test_the_server_listens_on_loopback_only(home: Path) -> None:
    running = embedded.start(home, settings=FAST)
    assert answer(running, "show listen_addresses") == "127.0.0.1"
    assert answer(running, "show unix_socket_directories") == ""


def test_a_lost_password_is_said_to_be_lost(home: Path) -> None:
    running = embedded.start(home, settings=FAST)
    assert running.pgpass is not None
    running.pgpass.unlink()
    with pytest.raises(embedded.EmbeddedError, match="refuses us") as caught:
        embedded.start(home)
    assert "pgpass" in caught.value.hint


def test_git_ignores_the_folder(home: Path) -> None:
    embedded.start(home, settings=FAST)
    assert (home / ".gitignore").read_text() == "*\n"


# --- after an accident ---------------------------------------------------------------------


@pytest.mark.smoke
def test_a_killed_server_comes_back_with_its_data(home: Path) -> None:
    first = embedded.start(home)
    with psycopg.connect(first.dsn()) as connection:
        connection.execute("create table kept as select 7 as n")
    os.kill(pid_of(home), signal.SIGKILL)
    second = embedded.start(home)
    assert second.port == first.port
    assert answer(second, "select n from kept") == 7


def test_backends_that_outlive_a_killed_server_are_waited_for(home: Path) -> None:
    """A frozen backend keeps the shared memory; a second server beside it would ruin the data."""
    first = embedded.start(home, settings=FAST)
    with psycopg.connect(first.dsn()) as connection:
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        os.kill(pid_of(home), signal.SIGKILL)
        with subprocess.Popen([sys.executable, "-c", START, str(home)]) as starter:
            with pytest.raises(subprocess.TimeoutExpired):
                starter.wait(1.5)
            os.kill(backend, signal.SIGKILL)
        connection.close()
    assert starter.returncode == 0


def test_a_stale_pid_that_is_another_process_now_does_not_block(home: Path) -> None:
    embedded.start(home, settings=FAST)
    pid_file = layout.read(home).pgdata / "postmaster.pid"
    lines = pid_file.read_text().splitlines(keepends=True)
    embedded.stop(home)
    with subprocess.Popen(["/bin/sleep", "60"]) as stranger:
        pid_file.write_text("".join([f"{stranger.pid}\n", *lines[1:]]))
        layout.read(home).account.own(pid_file)
        assert embedded.status(home) is None
        assert not embedded.stop(home)
        assert answer(embedded.start(home, settings=FAST), "select 1") == 1
        assert stranger.poll() is None, "a stranger was stopped"
        stranger.kill()


def test_an_empty_pid_file_does_not_block(home: Path) -> None:
    embedded.start(home, settings=FAST)
    embedded.stop(home)
    place = layout.read(home)
    pid_file = place.pgdata / "postmaster.pid"
    pid_file.touch(mode=0o600)
    place.account.own(pid_file)
    os.utime(pid_file, (0, 0))
    assert answer(embedded.start(home, settings=FAST), "select 1") == 1


def test_a_starter_killed_during_initdb_leaves_nothing_behind(home: Path) -> None:
    home.mkdir()
    (home / "pg.0badcafe.unfinished").mkdir()
    (home / "pg.0badcafe.unfinished" / "PG_VERSION").write_text("18\n")
    (home / "pg.0badcafe.password").write_text("secret\n")
    assert answer(embedded.start(home, settings=FAST), "select 1") == 1
    assert not list(home.glob("pg.*"))


def test_a_starter_may_be_killed_at_any_moment(home: Path) -> None:
    for milliseconds in (150, 250, 350, 450, 600):
        with subprocess.Popen(
            [sys.executable, "-c", START, str(home)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as starter:
            try:
                starter.wait(milliseconds / 1000)
            except subprocess.TimeoutExpired:
                starter.kill()
    assert answer(embedded.start(home, settings=FAST), "select 1") == 1


@pytest.mark.smoke
def test_two_simultaneous_starters_get_the_same_server(home: Path) -> None:
    starters = [
        subprocess.Popen([sys.executable, "-c", START, str(home)], stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    said = {starter.communicate(timeout=60)[0] for starter in starters}
    assert len(said) == 1
    assert said == {f"{embedded.start(home).dsn()}\n".encode()}


def test_a_port_that_somebody_took_is_left_to_them(home: Path) -> None:
    first = embedded.start(home, settings=FAST)
    embedded.stop(home)
    with socket.create_server(("127.0.0.1", first.port)):
        second = embedded.start(home, settings=FAST)
        assert second.port != first.port
        assert answer(second, "select 1") == 1


def test_another_server_on_the_port_is_not_taken_for_ours(home: Path) -> None:
    ours = embedded.start(home, settings=FAST, auth="trust")
    other = home.with_name("other")
    try:
        theirs = embedded.start(other, settings=FAST, auth="trust")
        place = layout.read(home)
        mistaken = server.Server(ours.bindir, home, "127.0.0.1", theirs.port, "postgres")
        assert "another server" in str(server._refusal(mistaken, place))
    finally:
        embedded.remove(other)


def test_data_of_another_major_version_are_left_alone(home: Path) -> None:
    embedded.start(home, settings=FAST)
    embedded.stop(home)
    version = layout.read(home).pgdata / "PG_VERSION"
    version.write_text("9\n")
    with pytest.raises(embedded.EmbeddedError) as caught:
        embedded.start(home, settings=FAST)
    assert "PG_BINDIR" in caught.value.hint
    assert version.read_text() == "9\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_is_named_and_harms_nothing(home: Path) -> None:
    home.mkdir()
    home.chmod(0o755)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=80m,mode=755", "tmpfs", str(home)], check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this container may not mount")
    inner = home / ".pawl"
    try:
        embedded.start(inner, settings=FAST)
        embedded.stop(inner)
        fill(home / "ballast")
        with pytest.raises(embedded.EmbeddedError) as caught:
            embedded.start(inner, settings=FAST)
        assert caught.value.hint == FULL_DISK
        (home / "ballast").unlink()
        assert answer(embedded.start(inner, settings=FAST), "select 1") == 1
        embedded.stop(inner)
    finally:
        subprocess.run(["umount", "--lazy", str(home)], check=True)


def fill(file: Path) -> None:
    """Write to a file until its disk is full."""
    descriptor = os.open(file, os.O_CREAT | os.O_WRONLY)
    with contextlib.suppress(OSError):
        while True:
            os.write(descriptor, bytes(4096))
    os.close(descriptor)


def test_removing_stops_the_server_and_deletes_everything(home: Path) -> None:
    running = embedded.start(home, settings=FAST)
    embedded.remove(home)
    assert not home.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(running.dsn())
