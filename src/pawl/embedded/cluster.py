"""`initdb`, `pg_ctl start` and `pg_ctl stop` over one layout. Call the first two under its lock.

A data directory is made beside its place and renamed into it, so that a starter killed half-way
leaves nothing that looks whole. A process counts as the server only if its command line names the
data directory: the pid in a stale `postmaster.pid` may by now be anybody's.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import shutil
import socket
import subprocess
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pawl.embedded.errors import FULL_DISK, EmbeddedError, naming, tail
from pawl.embedded.layout import Layout

HOST = "127.0.0.1"
USER = "postgres"
START_SECONDS = 60  # one start, with its crash recovery
RETRY_SECONDS = 15.0  # after a SIGKILL the old children hold the shared memory for a moment
STOP_SECONDS = 30
EMPTY_SECONDS = 3  # an empty postmaster.pid older than this is no longer being written
LOG_BYTES = 8 * 1024 * 1024  # a longer log is begun anew at the next start
TRANSIENT = (
    "pre-existing shared memory block",
    "lock file",
    "Address already in use",
    "could not create any TCP/IP sockets",
)


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A server process that lives now: what its `postmaster.pid` says."""

    pid: int
    port: int


# --- making --------------------------------------------------------------------------------


def initialise(layout: Layout, bindir: Path, *, password: str | None, durable: bool) -> None:
    """Make the data directory; with a password the server asks for it, without it trusts."""
    _sweep(layout.pgdata.parent)
    unfinished = layout.pgdata.with_name(f"pg.{secrets.token_hex(4)}.unfinished")
    with naming(unfinished):
        unfinished.mkdir(mode=0o700)
        layout.account.own(unfinished)
        try:
            _initdb(layout, bindir, unfinished, password, durable)
            unfinished.rename(layout.pgdata)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise


def _sweep(folder: Path) -> None:
    """Remove what starters killed during `initdb` left."""
    for left in folder.glob("pg.*"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _initdb(
    layout: Layout, bindir: Path, pgdata: Path, password: str | None, durable: bool
) -> None:
    command = [str(bindir / "initdb"), "-D", str(pgdata), "-U", USER, "-E", "UTF8", "--locale=C"]
    command += ["-A", "trust" if password is None else "scram-sha-256"]
    command += [] if durable else ["--no-sync"]
    password_file = pgdata.with_suffix(".password")
    try:
        if password is not None:
            password_file.touch(mode=0o600)
            password_file.write_text(f"{password}\n")
            layout.account.own(password_file)
            command.append(f"--pwfile={password_file}")
        result = layout.account.run(command, bindir=bindir)
    finally:
        password_file.unlink(missing_ok=True)
    if result.returncode != 0:
        said = "\n".join(result.stdout.decode(errors="replace").splitlines()[-15:])
        raise EmbeddedError(
            "cannot make the data directory of the local Postgres",
            where=pgdata,
            hint="see what initdb said",
            log=said,
        )


# --- starting ------------------------------------------------------------------------------


def launch(layout: Layout, bindir: Path, settings: Mapping[str, str]) -> None:
    """Start the server; when it fails for a reason that passes, try again for a few seconds."""
    deadline = time.monotonic() + RETRY_SECONDS
    with naming(layout.home):
        if layout.log.exists() and layout.log.stat().st_size > LOG_BYTES:
            layout.log.write_bytes(b"")
        while True:
            disarm_stale_pid(layout)
            said = _launch_once(layout, bindir, settings)
            if said is None:
                return
            if time.monotonic() > deadline or not any(reason in said for reason in TRANSIENT):
                raise EmbeddedError(
                    "the local Postgres does not start",
                    where=layout.pgdata,
                    hint=FULL_DISK if _is_full(layout) else f"see what it said, and {layout.log}",
                    log=said,
                )
            time.sleep(0.1)


def _is_full(layout: Layout) -> bool:
    """Say whether a disk is full: then the log may be cut off before it could say so."""
    return any(
        shutil.disk_usage(folder).free < 1024 * 1024 for folder in (layout.pgdata, layout.home)
    )


def _launch_once(layout: Layout, bindir: Path, settings: Mapping[str, str]) -> str | None:
    """Try once; return None when it runs, else what it said."""
    port = _free_port(layout)
    ours = {"listen_addresses": HOST, "port": str(port), "unix_socket_directories": ""}
    options = [
        f"-c {shlex.quote(f'{name}={value}')}" for name, value in {**settings, **ours}.items()
    ]
    command = [str(bindir / "pg_ctl"), "start", "--silent", "-w", "-t", str(START_SECONDS)]
    command += ["-D", str(layout.pgdata), "-o", " ".join(options)]
    with layout.log.open("ab") as log:
        before = log.tell()
        try:
            result = layout.account.run(
                command, bindir=bindir, output=log, timeout=START_SECONDS + 30
            )
        except subprocess.TimeoutExpired:
            return f"no answer from pg_ctl in {START_SECONDS + 30} s"
    if result.returncode == 0:
        layout.port.write_text(f"{port}\n")
        return None
    return tail(layout.log, since=before) or f"pg_ctl ended with {result.returncode}"


def _free_port(layout: Layout) -> int:
    """Return the port used last if it is free, else one that is.

    The first guess comes from the folder's path, so that a checkout keeps its port; all guesses
    lie below the ports that systems hand out to outgoing connections.
    """
    first = 20_000 + zlib.crc32(str(layout.home).encode()) % 12_000
    guesses = [first, *(20_000 + secrets.randbelow(12_000) for _ in range(50))]
    with contextlib.suppress(FileNotFoundError, ValueError):
        guesses.insert(0, int(layout.port.read_text()))
    return next((port for port in guesses if _is_free(port)), 0) or _any_port()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError):
            return False
    return True


def _any_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


# --- the process ---------------------------------------------------------------------------


def postmaster(layout: Layout) -> Postmaster | None:
    """Return the living server of this layout, if any; it may not accept connections yet."""
    try:
        lines = (layout.pgdata / "postmaster.pid").read_text().splitlines()
        found = Postmaster(pid=int(lines[0]), port=int(lines[3]))
    except (FileNotFoundError, NotADirectoryError, ValueError, IndexError):
        return None  # no file, or one that is being written
    return found if _serves(found.pid, layout.pgdata) else None


def _serves(pid: int, pgdata: Path) -> bool:
    """Say whether process `pid` lives and has this data directory on its command line."""
    if Path("/proc/self/cmdline").exists():
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return str(pgdata).encode() in arguments
    command = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    return (
        str(pgdata) in subprocess.run(command, check=False, capture_output=True, text=True).stdout
    )


def disarm_stale_pid(layout: Layout) -> None:
    """Make a `postmaster.pid` harmless whose process is somebody else's by now, or a zombie.

    Postgres itself only looks whether a process of that number lives, and refuses to start for
    ever if one does. The file must not be removed, though: it also names the shared memory by
    which Postgres notices orphaned backends of the old server. So another number is written into
    it, one that just ceased to exist. A file left empty by a crash says nothing and goes.
    """
    file = layout.pgdata / "postmaster.pid"
    if not file.exists() or postmaster(layout) is not None:
        return
    text = file.read_text()
    if not text.strip():
        if time.time() - file.stat().st_mtime > EMPTY_SECONDS:
            file.unlink(missing_ok=True)
        return
    pid, *others = text.splitlines(keepends=True)
    if pid.strip().isdigit() and _exists(int(pid)):
        file.write_text("".join([f"{_dead_pid()}\n", *others]))


def _exists(pid: int) -> bool:
    """Say whether a process of that number exists, a zombie included."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _dead_pid() -> int:
    """Return the number of a process that has just ended; numbers are not reused at once."""
    with subprocess.Popen(["/bin/sh", "-c", ":"]) as child:
        child.wait()
    return child.pid


def bindir_of(layout: Layout) -> Path | None:
    """Return the bin folder that the running server was started from."""
    try:
        program = shlex.split((layout.pgdata / "postmaster.opts").read_text())[0]
    except (OSError, ValueError, IndexError):
        return None
    return Path(program).parent


# --- stopping ------------------------------------------------------------------------------


def shut_down(layout: Layout, bindir: Path) -> bool:
    """Stop the server, closing its connections; return false if none runs."""
    modes: tuple[Literal["fast", "immediate"], ...] = ("fast", "immediate")
    said = ""
    for mode in modes:
        if postmaster(layout) is None:
            return mode != "fast"
        command = [str(bindir / "pg_ctl"), "stop", "--silent", "-w", "-t", str(STOP_SECONDS)]
        command += ["-m", mode, "-D", str(layout.pgdata)]
        result = layout.account.run(command, bindir=bindir, timeout=STOP_SECONDS + 30)
        if result.returncode == 0 or postmaster(layout) is None:
            return True
        said = result.stdout.decode(errors="replace")
    raise EmbeddedError(
        "the local Postgres does not stop",
        where=layout.pgdata,
        hint=f"see {layout.log}; as a last resort end the process named in postmaster.pid",
        log=said,
    )
