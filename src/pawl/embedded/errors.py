"""The one exception of this package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, ENOSPC
from pathlib import Path

FULL_DISK = "free some space on that disk and try again"
FULL_DISK_WORDS = ("No space left on device", "Check free disk space", "Disk quota exceeded")


class EmbeddedError(Exception):
    """The local Postgres could not be found, made, started or stopped.

    `message` says what failed, `where` names the file or folder, `hint` says what to do,
    `log` is the end of what the server or `initdb` printed. `str()` shows all four.
    """

    def __init__(self, message: str, *, where: Path | None, hint: str, log: str = "") -> None:
        self.message = message
        self.where = where
        self.hint = _hint_for(log) or hint
        self.log = log
        super().__init__(message)

    def __str__(self) -> str:
        lines = [self.message]
        if self.where is not None:
            lines.append(f"  where: {self.where}")
        lines.append(f"  what to do: {self.hint}")
        if self.log:
            lines.append("  it said:")
            lines.extend(f"    {line}" for line in self.log.splitlines())
        return "\n".join(lines)


def _hint_for(log: str) -> str | None:
    """Return a better hint for the few failures that the log names in so many words."""
    if any(words in log for words in FULL_DISK_WORDS):
        return FULL_DISK
    if "database files are incompatible with server" in log:
        return (
            "set PG_BINDIR to the binaries of the version that made the data, "
            "or remove the folder to begin anew"
        )
    if "could not resize shared memory segment" in log:
        return "give the machine or container more shared memory (/dev/shm) and try again"
    return None


@contextmanager
def naming(where: Path) -> Iterator[None]:
    """Turn an `OSError` inside the block into an `EmbeddedError` that names `where`."""
    try:
        yield
    except OSError as error:
        place = Path(error.filename) if isinstance(error.filename, str) else where
        raise EmbeddedError(
            f"cannot use the folder of the local Postgres: {error.strerror or error}",
            where=place,
            hint=_hint_for_os_error(error),
        ) from error


def _hint_for_os_error(error: OSError) -> str:
    if error.errno in (ENOSPC, EDQUOT):
        return FULL_DISK
    if isinstance(error, PermissionError):
        return "run as the user that owns the folder, or remove the folder to begin anew"
    return "check that the folder can be written to"


def tail(log: Path, *, since: int = 0, lines: int = 15) -> str:
    """Return the last lines of a log file from byte `since` on; empty if it cannot be read."""
    try:
        with log.open("rb") as file:
            file.seek(max(since, log.stat().st_size - 16_384))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
