"""`AsyncClient`: the SQL API for asyncio; the twin of `sync`, line by line."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

import psycopg
from psycopg.rows import tuple_row
from psycopg_pool import AsyncConnectionPool

from pawl import tracing
from pawl.client import calls, retry
from pawl.client.calls import Call, Caller, Event, Send
from pawl.client.results import OVER, Entry, Instance
from pawl.errors import from_postgres

Answer = TypeVar("Answer")
NOTHING: Mapping[str, Any] = {}


class AsyncClient:
    """Calls the SQL API; raises the classes of `pawl.errors`.

    When Postgres cannot be reached, or the connection is lost, it raises psycopg's
    `OperationalError`; the next call connects again.

    `database` is one of

    * a conninfo: one connection, opened at the first call, shared by tasks one call at a time;
      each call is a transaction of its own, repeated after a serialization failure or a deadlock;
    * an `AsyncConnectionPool`: the same, with the pool's connections, which stay the pool's; behind
      a pooler in transaction mode give them `prepare_threshold=None`, as ours have;
    * an `AsyncConnection`: the calls are part of whatever transaction it is in, and never
      repeated: what must be repeated then is the caller's whole transaction.

    `schema` is the one given to `pawl init --api-schema`; `caller` on whose behalf to call. Use it
    as a context manager, or `close()` it.
    """

    def __init__(
        self,
        database: "str | psycopg.AsyncConnection[Any] | AsyncConnectionPool[Any]",
        *,
        schema: str = "public",
        caller: Caller | None = None,
    ) -> None:
        if caller is not None and isinstance(database, psycopg.AsyncConnection):
            raise ValueError("in a transaction of your own, set role and claims there yourself")
        self._database = database
        self._schema = schema
        self._caller = caller
        self._lock = asyncio.Lock()
        self._own: psycopg.AsyncConnection[Any] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection that we opened; a connection or pool given to us stays open."""
        async with self._lock:
            if self._own is not None:
                await self._own.close()

    async def create(self, machine: str, id: str, input: Mapping[str, Any] = NOTHING) -> Instance:
        """Create an instance. Raises a conflict (409) if there is one of this name."""
        return await self._run(calls.create(self._schema, machine, id, input))

    async def ensure(self, machine: str, id: str, input: Mapping[str, Any] = NOTHING) -> Instance:
        """Get the instance, or create it with `input`."""
        return await self._run(calls.ensure(self._schema, machine, id, input))

    async def send(
        self,
        machine: str,
        id: str,
        event: Event,
        data: Mapping[str, Any] | None = None,
        *,
        event_id: str | None = None,
        expected_seq: int | None = None,
    ) -> Instance:
        """Send one event: a type and its payload, or an object that holds both.

        The same `event_id` again gives the first answer again and changes nothing. With
        `expected_seq` the event is refused if the instance has moved on since that `seq`.
        """
        sent = Send(machine, id, event, data, event_id, expected_seq)
        return await self._run(calls.send(self._schema, sent))

    async def send_many(self, sends: Iterable[Send]) -> tuple[Instance, ...]:
        """Send several events, of any instances and machines: all are taken or none."""
        return await self._run(calls.send_many(self._schema, sends))

    async def get(self, machine: str, id: str) -> Instance:
        """Read an instance. What the caller may not read is not found (404)."""
        return await self._run(calls.get(self._schema, machine, id))

    async def history(self, machine: str, id: str) -> tuple[Entry, ...]:
        """Read an instance's journal, oldest first."""
        return await self._run(calls.history(self._schema, machine, id))

    async def enabled(self, machine: str, id: str) -> tuple[str, ...]:
        """Name the events that the caller could send now."""
        return await self._run(calls.enabled(self._schema, machine, id))

    async def simulate(
        self, machine: str, id: str, event: Event, data: Mapping[str, Any] | None = None
    ) -> Instance:
        """Say what an event would do; nothing is written."""
        return await self._run(calls.simulate(self._schema, machine, id, event, data))

    async def watch(
        self, machine: str, id: str, *, after: int = 0, every: float = 1.0
    ) -> AsyncIterator[Instance]:
        """Give the instance now, and again whenever it has moved on; end when it has ended.

        It is the latest state each time, never every step: look at `seq`. The row is read each
        `every` seconds, which costs no writer anything. `after`: a `seq` that is known already.
        """
        while True:
            instance = await self.get(machine, id)
            if instance.seq > after:
                after = instance.seq
                yield instance
            if instance.status in OVER:
                return
            await asyncio.sleep(every)

    async def _run(self, call: Call[Answer]) -> Answer:
        try:
            if isinstance(self._database, psycopg.AsyncConnection):
                return await _traced(self._database, call)
            return await self._repeated(call)
        except psycopg.Error as error:
            if retry.gone(error):
                raise
            raise from_postgres(error) from error

    async def _repeated(self, call: Call[Answer]) -> Answer:
        for pause in retry.pauses():
            try:
                return await self._transaction(call)
            except psycopg.Error as error:
                if not retry.retryable(error):
                    raise
            await asyncio.sleep(pause)
        return await self._transaction(call)

    async def _transaction(self, call: Call[Answer]) -> Answer:
        async with self._connection() as connection, connection.transaction():
            if self._caller is not None:
                await _execute(connection, self._caller.settings())
            return await _traced(connection, call)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        match self._database:
            case AsyncConnectionPool():
                async with self._database.connection() as connection:
                    yield connection
            case psycopg.AsyncConnection():
                yield self._database
            case str():
                async with self._lock:
                    if self._own is None or self._own.closed:
                        self._own = await psycopg.AsyncConnection.connect(
                            self._database, autocommit=True, prepare_threshold=None
                        )
                    yield self._own


async def _traced(connection: psycopg.AsyncConnection[Any], call: Call[Answer]) -> Answer:
    """Run a call under the active span of OpenTelemetry, if there is one."""
    parent = tracing.traceparent()
    if parent is not None:
        await _execute(connection, calls.trace(parent))
    return await _execute(connection, call)


async def _execute(connection: psycopg.AsyncConnection[Any], call: Call[Answer]) -> Answer:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(call.query, call.parameters)
        return call.answer(await cursor.fetchone())
