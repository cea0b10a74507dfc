"""The files of one server's folder, and where its data lies.

    .pawl/
      .gitignore     keeps all of this out of git
      lock           held while someone starts or stops the server
      port           the port used last, to be used again
      pgpass         the superuser's password, mode 0600, in libpq's format
      server.log     what the server printed
      pg/            the data directory; or, when the server's user cannot enter this folder:
      location       one line, the folder that holds pg/ instead

The last happens to root in a checkout below a folder of mode 700, such as root's home. The data
then lie in a folder of their own below `/var/lib/pawl`, named after the checkout; modes of existing
folders are never changed.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pawl.embedded.account import Account, choose
from pawl.embedded.errors import EmbeddedError, naming

# Purpose -> parents to try, for root only. None of them may be writable by others without the
# sticky bit, and `root_folder` checks that nobody else made the folder below.
PARENTS = {"data": ("/var/lib", "/var/tmp"), "cache": ("/var/cache", "/var/tmp")}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything of one server is; `account` runs it."""

    home: Path
    pgdata: Path
    account: Account

    @property
    def lock(self) -> Path:
        return self.home / "lock"

    @property
    def port(self) -> Path:
        return self.home / "port"

    @property
    def pgpass(self) -> Path:
        return self.home / "pgpass"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def initialised(self) -> bool:
        """True when a whole `initdb` has been here: it works elsewhere and moves the result."""
        return (self.pgdata / "PG_VERSION").is_file()


def read(home: Path) -> Layout:
    """Return the layout of a folder, writing nothing; the folder may not exist."""
    home = home.resolve()
    with naming(home):
        pgdata = (_location(home) or home) / "pg"
        return Layout(home, pgdata, choose(pgdata))


def prepare(home: Path) -> Layout:
    """Return the layout of a folder, made ready for `initdb`. Call it under the lock."""
    layout = read(home)
    if layout.account.can_enter(layout.pgdata.parent):
        return layout
    if layout.initialised:
        raise EmbeddedError(
            f"the user `{layout.account.name}`, who owns the data, cannot enter their folder",
            where=layout.pgdata.parent,
            hint="move the folder back to where it was made, or let others pass (chmod o+x)",
        )
    outside = root_folder("data") / _outside_name(layout.home)
    with naming(outside):
        outside.mkdir(mode=0o755, exist_ok=True)
        outside.chmod(0o755)
        (layout.home / "location").write_text(f"{outside}\n")
    return read(home)


def make_home(home: Path) -> None:
    """Create the folder, readable by its owner and passable for the server's user."""
    with naming(home):
        if not home.is_dir():
            home.mkdir(parents=True, exist_ok=True)
            home.chmod(0o755)
        ignore = home / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")


def _location(home: Path) -> Path | None:
    try:
        return Path((home / "location").read_text().strip())
    except FileNotFoundError:
        return None


def _outside_name(home: Path) -> str:
    """Name a checkout's data folder so that a person recognises it.

    >>> _outside_name(Path("/root/shop/.pawl"))
    'shop-ff8547449f9d'
    """
    return f"{home.parent.name}-{hashlib.sha256(str(home).encode()).hexdigest()[:12]}"


def root_folder(purpose: Literal["data", "cache"]) -> Path:
    """Return a folder of root's that all can enter and only root can change. We are root.

    In a shared parent another user may have made the folder first, to have its binaries run or to
    read the data: such a folder is refused.
    """
    writable = [path for path in PARENTS[purpose] if os.access(path, os.W_OK)]
    folder = Path(*writable[:1] or ["/tmp"]) / "pawl"
    with naming(folder):
        folder.mkdir(mode=0o755, exist_ok=True)
        found = folder.lstat()
        safe = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
        if not safe or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise EmbeddedError(
                "a folder that the local Postgres needs can be changed by another user",
                where=folder,
                hint="remove it, or make it root's with mode 755",
            )
        folder.chmod(0o755)
    return folder
