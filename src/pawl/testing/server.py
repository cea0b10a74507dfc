"""The Postgres of one run of tests: a folder of its own, started when asked for, gone at the end.

A run holds its folder's `owner` lock for as long as it lives. One that was killed lost its lock:
the next run stops its server and removes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pawl import embedded

# Durability is for data that somebody wants to see again.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "200",
    "max_prepared_transactions": "8",
    "timezone": "UTC",
    "log_min_messages": "warning",
}


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of this run's server; `owner` is the descriptor that holds its lock."""

    folder: Path
    owner: int

    def remove(self) -> None:
        """Stop the server, if one was started, and forget its data."""
        _remove(self.folder)
        os.close(self.owner)


def claim() -> Home:
    """Make a folder for this run, and remove what killed runs left."""
    base = _base()
    for left in base.iterdir():
        _reclaim(left)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=base))
    folder.chmod(0o755)
    owner = _lock(folder)
    assert owner is not None, "nobody else knows this folder"
    return Home(folder, owner)


def start(folder: Path) -> str:
    """Start the server of a run, or find it running: its superuser's address.

    Several processes may ask at once. Raises `EmbeddedError`.
    """
    return embedded.start(folder / "server", settings=SETTINGS, auth="trust").dsn()


def _base() -> Path:
    """Return the folder of all runs of this user, one that nobody else made."""
    base = Path(tempfile.gettempdir()) / f"pawl-tests-{os.getuid()}"
    base.mkdir(mode=0o755, exist_ok=True)
    if base.lstat().st_uid != os.getuid():
        raise RuntimeError(f"{base} belongs to another user: set TMPDIR to a folder of your own")
    return base


def _lock(folder: Path) -> int | None:
    """Hold the folder's `owner` lock until this process ends; None if its owner lives."""
    descriptor = os.open(folder / "owner", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _reclaim(folder: Path) -> None:
    """Remove the server of a run that was killed. Another run may be doing the same."""
    with contextlib.suppress(OSError, embedded.EmbeddedError):
        descriptor = _lock(folder)
        if descriptor is not None:
            _remove(folder)
            os.close(descriptor)


def _remove(folder: Path) -> None:
    embedded.remove(folder / "server")
    (folder / "owner").unlink(missing_ok=True)
    folder.rmdir()
