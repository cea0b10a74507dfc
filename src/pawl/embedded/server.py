"""Start, stop and look at the local server of a folder.

In: the folder that holds everything about the server (`.pawl`; see `layout`). Out: a `Server`.
Safe to call from several processes at once, and after any of them, or the server, was killed.
"""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Literal
from urllib.parse import quote

import psycopg

from pawl.embedded import binaries, cluster, layout, lock
from pawl.embedded.cluster import HOST, USER
from pawl.embedded.errors import EmbeddedError, naming, tail
from pawl.embedded.layout import Layout

Auth = Literal["scram", "trust"]
ANSWER_SECONDS = 60.0  # a crash recovery may take that long
FINAL = ("authentication failed", "no password supplied")  # waiting does not help against these
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Server:
    """A running local server; `data` is the folder given to `start`.

    `password` and `pgpass` are None on a server that trusts whoever connects.
    """

    bindir: Path
    data: Path
    host: str
    port: int
    user: str
    password: str | None = field(default=None, repr=False)
    pgpass: Path | None = None

    def dsn(self, dbname: str = "postgres") -> str:
        """Return a connection URI for any driver. It may hold the password: do not print it."""
        password = "" if self.password is None else f":{quote(self.password, safe='')}"
        return self._uri(self.user + password, dbname, "")

    def shown_dsn(self, dbname: str = "postgres") -> str:
        """Return a URI for psql and other libpq programs without the password: it names the file.

        >>> Server(Path("/b"), Path("/d"), "127.0.0.1", 5433, "postgres").shown_dsn("shop")
        'postgresql://postgres@127.0.0.1:5433/shop?sslmode=disable'
        """
        passfile = "" if self.pgpass is None else f"&passfile={quote(str(self.pgpass))}"
        return self._uri(self.user, dbname, passfile)

    def _uri(self, who: str, dbname: str, more: str) -> str:
        place = f"{self.host}:{self.port}/{quote(dbname, safe='')}"
        return f"postgresql://{who}@{place}?sslmode=disable{more}"


def start(data: Path, *, settings: Mapping[str, str] = NO_SETTINGS, auth: Auth = "scram") -> Server:
    """Return the running server of the folder `data`, made and started if need be.

    `settings` are configuration parameters for this start, kept by a server that runs already only
    if it was started with them. `auth` counts when the data directory is made: `scram` asks for a
    random password, `trust` for none. Raises `EmbeddedError`.
    """
    layout.make_home(data)
    with lock.holding(data / "lock"):
        place = layout.prepare(data)
        if (server := _wait_for_answer(place)) is not None:
            return server
        bindir = binaries.usable_by(place.account, binaries.find())
        if not place.initialised:
            password = _new_password(place) if auth == "scram" else None
            durable = settings.get("fsync") != "off"
            cluster.initialise(place, bindir, password=password, durable=durable)
        cluster.launch(place, bindir, settings)
        server = _wait_for_answer(place)
    if server is None:
        raise EmbeddedError(
            "the local Postgres started and ended at once",
            where=place.pgdata,
            hint=f"see {place.log}",
            log=tail(place.log),
        )
    return server


@contextmanager
def temporary() -> Iterator[Server]:
    """A server for a moment, removed with all it holds at the end. Raises `EmbeddedError`."""
    with TemporaryDirectory(prefix="pawl-") as folder:
        place = Path(folder) / "server"
        server = start(place, settings={"fsync": "off", "synchronous_commit": "off"})
        try:
            yield server
        finally:
            remove(place)


def stop(data: Path) -> bool:
    """Stop the server of the folder `data`; return false if none runs. Raises `EmbeddedError`."""
    if not data.is_dir():
        return False
    with lock.holding(data / "lock"):
        return _stop(layout.read(data))


def status(data: Path) -> Server | None:
    """Return the server of the folder `data` if it runs and answers; changes nothing."""
    place = layout.read(data)
    process = cluster.postmaster(place)
    if process is None:
        return None
    server = _server(place, process.port)
    return server if _refusal(server, place) is None else None


def remove(data: Path) -> None:
    """Stop the server of the folder `data` and delete all its data. There is no way back."""
    if not data.is_dir():
        return
    with lock.holding(data / "lock"):
        place = layout.read(data)
        _stop(place)
        with naming(place.pgdata):
            if place.pgdata.exists():
                shutil.rmtree(place.pgdata)
            if place.pgdata.parent != place.home:
                shutil.rmtree(place.pgdata.parent, ignore_errors=True)
            shutil.rmtree(place.home)


def _stop(place: Layout) -> bool:
    if cluster.postmaster(place) is None:
        return False
    bindir = cluster.bindir_of(place)
    if bindir is None or not (bindir / "pg_ctl").exists():  # upgraded or removed since
        bindir = binaries.usable_by(place.account, binaries.find())
    return cluster.shut_down(place, bindir)


def _wait_for_answer(place: Layout) -> Server | None:
    """Return the server once it answers, None if its process is gone."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while (process := cluster.postmaster(place)) is not None:
        server = _server(place, process.port)
        refusal = _refusal(server, place)
        if refusal is None:
            return server
        if time.monotonic() > deadline or any(word in refusal for word in FINAL):
            raise EmbeddedError(
                f"the local Postgres runs (process {process.pid}) but refuses us: {refusal}",
                where=place.pgdata,
                hint=f"see {place.log}; a lost {place.pgpass.name} cannot be made again: "
                "end the process and remove the folder to begin anew",
                log=tail(place.log),
            )
        time.sleep(0.05)
    return None


def _refusal(server: Server, place: Layout) -> str | None:
    """Return why a connection fails, None if it succeeds and the server is the one of `place`."""
    try:
        with psycopg.connect(server.dsn(), connect_timeout=3, autocommit=True) as connection:
            row = connection.execute("select current_setting('data_directory')").fetchone()
    except psycopg.OperationalError as error:
        return str(error).strip()
    if row is None or Path(row[0]) != place.pgdata:
        return f"another server answers on port {server.port}"
    return None


def _server(place: Layout, port: int) -> Server:
    bindir = cluster.bindir_of(place) or binaries.find()
    password = _password(place)
    pgpass = None if password is None else place.pgpass
    return Server(bindir, place.home, HOST, port, USER, password, pgpass)


def _new_password(place: Layout) -> str:
    """Write a password file before the data directory exists, so that none is ever without."""
    password = secrets.token_urlsafe(24)
    with naming(place.pgpass):
        place.pgpass.unlink(missing_ok=True)
        place.pgpass.touch(mode=0o600)
        place.pgpass.write_text(f"{HOST}:*:*:{USER}:{password}\n")
    return password


def _password(place: Layout) -> str | None:
    try:
        with naming(place.pgpass):
            return place.pgpass.read_text().strip().rsplit(":", 1)[1]
    except (EmbeddedError, IndexError):
        return None
