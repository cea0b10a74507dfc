"""The movable clock, and a worker that goes from due moment to due moment.

The clock stands still while anything is done. Moving it stops at every moment at which a timer, a
retry, a result or a message falls due; all that is due then is done, what follows from it too,
before it moves on. So whatever happens, happens at its own time, in the order of due times.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg

from pawl.client.payload import from_json
from pawl.testing.errors import Stuck, TransitionFailed
from pawl.testing.scripts import Call, Effects
from pawl.worker.drain import LEASE, settle
from pawl.worker.outcomes import Done, Failed, Outcome
from pawl.worker.performing import perform
from pawl.worker.queue import Queue, configure
from pawl.worker.task import Claim, Task
from pawl.worker.threads import Threads

ROUNDS = 10_000  # at one moment
HOPS = 100_000  # of one advance: a chart that polls every minute, for two months
LATER = "select pawl.now() + %s::interval"
SET = "select pawl.set_clock(%s)"
NEXT = "select pawl.next_wake(%s), pawl.now()"

# What was refused and is tried again: `kind`, of whom, and why.
FAILED = """\
select 'timer "' || t.name || '" of "' || t.machine || '"', t.last_error
from pawl.timer as t where t.attempts > 0
union all
select 'result of "' || o.effect || '" for "' || o.machine || '" "' || o.id || '"', r.last_error
from pawl.effect_result as r
join pawl.outbox as o on o.effect_id = r.effect_id
where r.apply_due is not null and r.apply_attempts > 0
union all
select 'message to "' || m.machine || '" "' || m.id || '"', m.last_error
from pawl.message as m where m.attempts > 0
union all
select d.kind || ' "' || d.name || '" of "' || d.machine || '"', d.error ->> 'message'
from pawl.dead_letter as d where d.kind <> 'effect'
"""


class Clockwork:
    """Everything here runs in one loop, but for handlers, which run in the one that is given."""

    def __init__(self, connection: psycopg.AsyncConnection[Any], effects: Effects) -> None:
        self.patient = False
        self._connection = connection
        self._effects = effects
        self._queue = Queue(self._lend, "pawl.testing", ())
        self._threads = Threads()

    @classmethod
    async def open(cls, dsn: str, effects: Effects) -> Clockwork:
        """Connect. Backoffs have jitter; with the seed it is the same in every run."""
        connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True)
        await configure(connection)
        await connection.execute("select setseed(0)")
        return cls(connection, effects)

    async def close(self) -> None:
        await self._connection.close()

    async def step(self, loop: asyncio.AbstractEventLoop) -> Call | None:
        """Do what is due now up to the next effect, and perform that; None if there is none."""
        self._effects.now = await self._value("select pawl.now()")
        for _ in range(ROUNDS):
            moved = await self._move()
            if (call := await self._perform(loop)) is not None:
                return call
            if not moved:
                await self._check()
                return None
        raise Stuck(f"still busy after {ROUNDS} rounds at one moment")

    async def run(self, loop: asyncio.AbstractEventLoop) -> tuple[Call, ...]:
        """Do all that is due now, and what follows from it."""
        calls: list[Call] = []
        while (call := await self.step(loop)) is not None:
            calls.append(call)
            if len(calls) > ROUNDS:
                raise Stuck(f'still busy after {ROUNDS} effects, the last "{call.effect}"')
        return tuple(calls)

    async def advance(
        self, by: timedelta | str, loop: asyncio.AbstractEventLoop
    ) -> tuple[Call, ...]:
        """Move the clock on, doing everything at its time."""
        return await self.advance_to(await self._value(LATER, by), loop)

    async def advance_to(
        self, moment: datetime, loop: asyncio.AbstractEventLoop
    ) -> tuple[Call, ...]:
        """The same, to a moment."""
        calls = [*await self.run(loop)]
        for _ in range(HOPS):
            due = await self._next()
            if due is None or due > moment:
                await self._value(SET, moment)
                return tuple(calls)
            await self._value(SET, due)
            calls += await self.run(loop)
        raise Stuck(f"still on the way after {HOPS} moments at which something was due")

    async def advance_to_next(self, loop: asyncio.AbstractEventLoop) -> tuple[Call, ...]:
        """Move the clock to the next moment at which something is due, and do that."""
        calls = await self.run(loop)
        due = await self._next()
        if due is None:
            raise Stuck("nothing is due, now or later")
        await self._value(SET, due)
        return calls + await self.run(loop)

    async def next_due(self) -> datetime | None:
        """When something is due next; void timers count, for nobody looks at them before."""
        due, _ = await self._row(NEXT, [*self._effects.names])
        return due if isinstance(due, datetime) else None

    async def _next(self) -> datetime | None:
        """The same after all that is due now was done. Raises `Stuck` if something still is."""
        due, now = await self._row(NEXT, [*self._effects.names])
        if due is not None and due <= now:
            raise Stuck(
                f"what is due since {due} does not move: does a transaction that is open hold its "
                "instance?"
            )
        return due if isinstance(due, datetime) else None

    async def _move(self) -> int:
        """Fire timers, apply results, deliver messages."""
        return (
            await self._queue.fire_timers()
            + await self._queue.apply_results()
            + await self._queue.deliver_messages()
        )

    async def _perform(self, loop: asyncio.AbstractEventLoop) -> Call | None:
        """Perform the next effect, in `loop`."""
        self._queue.effects = [*self._effects.names]
        for claim in await self._queue.claim(1, LEASE):
            at = await self._value("select pawl.now()")
            performing = perform(self._effects.take(claim.effect), Task(claim), self._threads)
            outcome = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(performing, loop))
            ended = await settle(self._queue, claim, outcome, None)
            call = _call(claim, at, outcome, ended)
            self._effects.note(call)
            if ended == "failed":
                await self._check()
            return call
        return None

    async def _check(self) -> None:
        """Raise `TransitionFailed` for what production would try again, or has given up."""
        if self.patient:
            return
        rows = await (await self._connection.execute(FAILED)).fetchall()
        if rows:
            now = await self._value("select pawl.now()")
            lines = "".join(f"\n  {what}: {why}" for what, why in rows)
            raise TransitionFailed(f"at {now} a transition failed{lines}")

    async def _row(self, query: str, *arguments: Any) -> tuple[Any, ...]:
        row = await (await self._connection.execute(query.encode(), arguments)).fetchone()
        assert row is not None, "a select without a table has one row"
        return tuple(row)

    async def _value(self, query: str, *arguments: Any) -> Any:
        return (await self._row(query, *arguments))[0]

    @asynccontextmanager
    async def _lend(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        yield self._connection


def _call(claim: Claim, at: datetime, outcome: Outcome, ended: str) -> Call:
    return Call(
        claim.effect,
        claim.machine,
        claim.id,
        claim.input,
        claim.attempt,
        at,
        claim.idempotency_key,
        ended,
        output=from_json(outcome.output) if isinstance(outcome, Done) else None,
        error=from_json(outcome.error) if isinstance(outcome, Failed) else None,
    )
