"""`World`: a database, its clock, its effects."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from pawl.client import Caller, Client
from pawl.client.payload import to_json
from pawl.deploy.install import installed_api_schema
from pawl.deploy.migration import Choice, Migrated, batches, steps
from pawl.errors import InstallRefused
from pawl.testing import charts
from pawl.testing.clockwork import Clockwork
from pawl.testing.databases import START
from pawl.testing.instances import Live
from pawl.testing.portal import Portal
from pawl.testing.scripts import Call, Effects

NOTHING: Mapping[str, Any] = {}


class World:
    """A database that belongs to a test: Pawl is installed in it, nobody else works in it.

    The clock stands at `start` until it is moved. Nothing happens by itself: `run` does what is
    due, `advance` moves the clock and does what falls due on the way. `folder` is where relative
    files are looked for.

    With `patient` a transition that fails is tried again later, as in production; otherwise it
    raises `TransitionFailed` at once.
    """

    def __init__(
        self,
        dsn: str,
        *,
        start: datetime | str = START,
        folder: Path | None = None,
        patient: bool = False,
    ) -> None:
        self.dsn = dsn
        self.folder = Path.cwd() if folder is None else folder
        self.effects = Effects(self.folder)
        self._clients: dict[str, Client] = {}
        with contextlib.ExitStack() as stack:
            self.connection = stack.enter_context(psycopg.connect(dsn, autocommit=True))
            self._schema = _api_schema(self.connection)
            self.connection.execute("select pawl.set_clock(%s::timestamptz)", (start,))
            self._portal = Portal()
            stack.callback(self._portal.close)
            self._clockwork = self._portal.call(Clockwork.open(dsn, self.effects))
            stack.callback(lambda: self._portal.call(self._clockwork.close()))
            self._client = stack.enter_context(Client(dsn, schema=self._schema))
            self._stack = stack.pop_all()
        self._clockwork.patient = patient
        self.aio = Aio(self._portal, self._clockwork)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the database stays as it is, the clock included."""
        self._stack.close()

    # --- machines and instances -----------------------------------------------------------------

    def deploy(self, *files: Path | str) -> None:
        """Deploy charts. Raises `ChartRefused`, which reads as what `pawl check` prints."""
        for definition in charts.read_all(self.folder / file for file in files):
            charts.deploy(self.connection, definition)

    def create(
        self,
        machine: str,
        id: str,
        input: Mapping[str, Any] = NOTHING,
        *,
        claims: Mapping[str, Any] | None = None,
        role: str | None = None,
    ) -> Live:
        """Create an instance, as whoever has these claims; without them as a trusted caller."""
        self.client(claims, role).create(machine, id, input)
        return Live(self, machine, id)

    def instance(self, machine: str, id: str) -> Live:
        """An instance that is there already, such as one's child. Raises `NotFound`."""
        found = Live(self, machine, id)
        found.now  # noqa: B018  # asks whether it is there
        return found

    def client(self, claims: Mapping[str, Any] | None = None, role: str | None = None) -> Client:
        """A client that calls as whoever has these claims; `role` is the client role, if the
        database has one. Without claims it is a trusted caller, of whom no authorizer is asked."""
        if claims is None:
            return self._client
        key = to_json([claims, role])
        if key not in self._clients:
            client = Client(self.dsn, schema=self._schema, caller=Caller(claims, role))
            self._clients[key] = self._stack.enter_context(client)
        return self._clients[key]

    def migrate(self, machine: str, to: int) -> tuple[Migrated, ...]:
        """Migrate the instances of earlier versions to one that is deployed, as `pawl migrate`.

        What could not be taken along has no `after`, but a `reason`. Raises `DeployRefused`.
        """
        return tuple(
            migrated
            for step in steps(self.connection, machine, to)
            for batch in batches(self.connection, machine, step, Choice())
            for migrated in batch
        )

    # --- time -----------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """What the test's clock shows."""
        row = self.connection.execute("select pawl.now()").fetchone()
        assert row is not None, "a select without a table has one row"
        at: datetime = row[0]
        return at

    @property
    def next_due(self) -> datetime | None:
        """When something is due next: a timer, a retry, a message; None if nothing is."""
        return self._portal.call(self._clockwork.next_due())

    def step(self) -> Call | None:
        """Do what is due now up to the next effect, and perform that one; None if there is none."""
        __tracebackhide__ = True
        return self._portal.call(self._clockwork.step(self._portal.loop))

    def run(self) -> tuple[Call, ...]:
        """Do all that is due now and what follows from it; the effects that were performed."""
        __tracebackhide__ = True
        return self._portal.call(self._clockwork.run(self._portal.loop))

    def advance(self, by: timedelta | str) -> tuple[Call, ...]:
        """Move the clock on, by an interval as Postgres reads it or a `timedelta`.

        It stops at each moment at which something is due, and all of that is done before it goes
        on. Returns the effects that were performed, in their order.
        """
        __tracebackhide__ = True
        return self._portal.call(self._clockwork.advance(by, self._portal.loop))

    def advance_to(self, moment: datetime) -> tuple[Call, ...]:
        """The same, to a moment (with its time zone)."""
        __tracebackhide__ = True
        return self._portal.call(self._clockwork.advance_to(moment, self._portal.loop))

    def advance_to_next(self) -> tuple[Call, ...]:
        """Move the clock to the next moment at which something is due, and do that.

        Raises `Stuck` if nothing ever is.
        """
        __tracebackhide__ = True
        return self._portal.call(self._clockwork.advance_to_next(self._portal.loop))


@dataclass(frozen=True, slots=True)
class Aio:
    """The same for an async test: handlers run in its own event loop.

    Only these need it. The rest of `World` may be called from an async test as it is.
    """

    _portal: Portal
    _clockwork: Clockwork

    async def step(self) -> Call | None:
        return await self._portal.awaited(self._clockwork.step(asyncio.get_running_loop()))

    async def run(self) -> tuple[Call, ...]:
        return await self._portal.awaited(self._clockwork.run(asyncio.get_running_loop()))

    async def advance(self, by: timedelta | str) -> tuple[Call, ...]:
        loop = asyncio.get_running_loop()
        return await self._portal.awaited(self._clockwork.advance(by, loop))

    async def advance_to(self, moment: datetime) -> tuple[Call, ...]:
        loop = asyncio.get_running_loop()
        return await self._portal.awaited(self._clockwork.advance_to(moment, loop))

    async def advance_to_next(self) -> tuple[Call, ...]:
        loop = asyncio.get_running_loop()
        return await self._portal.awaited(self._clockwork.advance_to_next(loop))


def _api_schema(connection: psycopg.Connection[Any]) -> str:
    schema = installed_api_schema(connection)
    if schema is None:
        raise InstallRefused(
            f'Pawl is not installed in the database "{connection.info.dbname}"',
            code="not_installed",
            hint="run `pawl init` on it, or let `Databases`, or the fixture `pawl_database`, make "
            "one",
        )
    return schema
