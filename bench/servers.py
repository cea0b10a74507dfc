"""The server of a benchmark's own: started for one run and gone afterwards; and its pgbench."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pawl import embedded


@contextmanager
def own_server(settings: Mapping[str, str]) -> Iterator[tuple[embedded.Server, Path]]:
    """Start a server in a temporary folder, which has room for a benchmark's files too."""
    with tempfile.TemporaryDirectory(prefix="pawl-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            yield embedded.start(folder / "server", settings=settings, auth="trust"), folder
        finally:
            embedded.remove(folder / "server")


def find_pgbench(bindir: Path) -> str:
    """Return PG_BINDIR's pgbench, else the one on PATH, else Debian's place for it."""
    for candidate in (bindir / "pgbench", shutil.which("pgbench"), Path("/usr/bin/pgbench")):
        if candidate is not None and Path(candidate).exists():
            return str(candidate)
    raise SystemExit("no pgbench: on Debian, apt-get install postgresql-contrib")
