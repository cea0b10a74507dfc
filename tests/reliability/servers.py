"""A Postgres that is ours to kill, and a pgbouncer in front of one."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pawl import embedded
from pawl.deploy import install
from pawl.embedded import account, cluster, layout
from tests import optional
from tests.reliability.ledger import LOOK, PATIENCE
from tests.reliability.machines import deploy_machines

# What a process wrote survives the process; fsync is for machines that lose their power. But a
# process that is killed may leave half a page, so full_page_writes stays on.
SETTINGS = {"fsync": "off", "timezone": "UTC"}


@dataclass(frozen=True, slots=True)
class OwnServer:
    """A running Postgres with the machines."""

    folder: Path
    settings: dict[str, str]
    dsn: str

    def kill(self) -> None:
        """Kill the postmaster and all its children, none of which gets to say a word.

        It is stopped first, so that it has no more children than are listed: one that survives
        would wait for ever for a lock of the dead, and its client for it.
        """
        process = cluster.postmaster(layout.read(self.folder))
        assert process is not None
        os.kill(process.pid, signal.SIGSTOP)
        for pid in (process.pid, *children(process.pid)):
            with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
                os.kill(pid, signal.SIGKILL)

    def start(self) -> None:
        """Start it again, at the same address."""
        again = embedded.start(self.folder, settings=self.settings, auth="trust")
        assert again.dsn() == self.dsn


@contextmanager
def own_server(folder: Path, **settings: str) -> Iterator[OwnServer]:
    """Make a server with the machines; it is gone afterwards, in whatever state it is."""
    chosen = {**SETTINGS, **settings}
    try:
        dsn = embedded.start(folder, settings=chosen, auth="trust").dsn()
        with psycopg.connect(dsn, autocommit=True) as connection:
            install(connection)
            deploy_machines(connection)
        yield OwnServer(folder, chosen, dsn)
    finally:
        embedded.remove(folder)


def children(parent: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(parent)], check=True, capture_output=True, text=True
    )
    return [int(pid) for pid in listed.stdout.split()]


@contextmanager
def pgbouncer(dsn: str, folder: Path, *, pool: int) -> Iterator[str]:
    """Run a pgbouncer in transaction mode with so many connections; its address for `dsn`."""
    program = optional.require_program("pgbouncer")
    server = conninfo_to_dict(dsn)
    port = free_port()
    folder.mkdir(mode=0o755)
    place = "host={host} port={port} dbname={dbname} user={user}".format_map(server)
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n{server['dbname']} = {place}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = any\npool_mode = transaction\ndefault_pool_size = {pool}\n"
        "max_client_conn = 200\n"
    )
    address = make_conninfo(dsn, host="127.0.0.1", port=port)
    # Like Postgres, pgbouncer does not run as root: it becomes somebody else.
    user = account.choose(folder / "none")
    identity = ["-u", user.name] if user.other else []
    with subprocess.Popen(
        [program, "-q", *identity, str(folder / "pgbouncer.ini")], stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait_until_it_answers(address, process)
            yield address
        finally:
            process.kill()


def _wait_until_it_answers(address: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        try:
            psycopg.connect(address).close()
            return
        except psycopg.OperationalError:
            time.sleep(LOOK)
    raise RuntimeError(f"pgbouncer does not answer (exit {process.poll()})")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
