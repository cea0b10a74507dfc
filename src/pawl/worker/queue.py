"""Everything that the worker says to Postgres: one method for each function of schema `pawl`.

A connection is held for the length of a statement, never while a handler runs.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg.types.json import set_json_loads

from pawl import __version__, tracing
from pawl.client import retry
from pawl.client.payload import from_json
from pawl.errors import PawlError, from_postgres
from pawl.worker.outcomes import Failed, failed
from pawl.worker.task import Claim

Answer = TypeVar("Answer")
Connection = psycopg.AsyncConnection[Any]
Connect = Callable[[], AbstractAsyncContextManager[Connection]]
"""Lends an autocommit connection: a pool's method `connection`."""

CLAIM = """
select effect_id, token, machine, version, id, effect, invoke_id, input, attempt, attempts,
  timeout, idempotency_key, created_at, heartbeat, trace
from pawl.claim_effects(%s, %s, %s, %s)"""  # as `Claim` has them
COMPLETE_ALL = """
select effect_id, outcome from pawl.complete_effects(%s::bigint[], %s::bigint[], %s::jsonb[])"""
COMPLETE = "select pawl.complete_effect(%s, %s, %s::jsonb)"
FAIL = "select pawl.fail_effect(%s, %s, %s::jsonb, %s, %s)"
PUBLISH = "select pawl.publish_snapshot(%s, %s, %s::jsonb)"
EXTEND = "select effect_id, verdict from pawl.extend_effects(%s::bigint[], %s::bigint[], %s, %s)"
UNWANTED = "select effect_id, verdict from pawl.unwanted_effects(%s::bigint[], %s::bigint[])"
FIRE = "select pawl.fire_due_timers(%s)"
DELIVER = "select pawl.deliver_messages(%s)"
APPLY = "select pawl.apply_results(%s)"
RING = "select pawl.ring()"
NOTIFY = "select pg_notify(%s, %s)"
NEXT = "select extract(epoch from pawl.next_wake(%s) - pawl.now())::float8"
SEEN = "select pawl.worker_seen(%s, %s, %s, %s, %s)"
GONE = "select pawl.worker_gone(%s)"
RELEASE = "select pawl.release_effects(%s::bigint[], %s::bigint[])"
SWEEP = "select pawl.sweep()"
TRACE = "select set_config(%s, %s, true)"

ANSWER = 120.0  # seconds; a backend that is silent for longer hangs, and its connection is left
UPKEEP = 3600.0  # seconds, of a sweep


@dataclass(frozen=True, slots=True)
class Completion:
    """A handler's result on its way to the database."""

    claim: Claim
    output: str
    trace: str | None = None


async def configure(connection: Connection) -> None:
    """Make a connection read JSON without loss; for a pool's `configure`.

    Nothing is prepared: behind a pooler in transaction mode another session has the statement, or
    another statement has the name.
    """
    await connection.set_autocommit(True)
    connection.prepare_threshold = None
    set_json_loads(from_json, connection)


class Queue:
    """The queue of effects, timers, results and messages, as one worker sees it."""

    def __init__(self, connect: Connect, name: str, effects: Sequence[str]) -> None:
        self.name = name
        self.effects = sorted(effects)
        self._connect = connect

    async def claim(self, limit: int, lease: timedelta) -> list[Claim]:
        """Take effects to perform, oldest first."""
        if not self.effects:
            return []
        rows = await self._rows(CLAIM, (self.name, self.effects, limit, lease))
        return [Claim(*row) for row in rows]

    async def complete(self, done: Completion) -> str:
        """Store a result and send its event. Returns applied, void, failed, lost or refused."""
        arguments = (done.claim.effect_id, done.claim.token, done.output)
        try:
            return str(await self._value(COMPLETE, arguments, done.trace))
        except psycopg.Error as error:
            if _unstorable(error):
                return await self._not_stored(done, error)
            if not _ours(error):
                raise
            return await self._refused(done, from_postgres(error))

    async def complete_all(self, done: Sequence[Completion]) -> dict[int, str]:
        """Store results together where that is possible. Returns what became of each effect."""
        alone = [one for one in done if one.trace is not None]  # a trace is of one transaction
        together = [one for one in done if one.trace is None]
        answers: dict[int, str] = {}
        if len(together) > 1:
            outputs = [one.output for one in together]
            try:
                rows = await self._rows(
                    COMPLETE_ALL, (*_keys([one.claim for one in together]), outputs)
                )
            except psycopg.Error as error:
                if not _ours(error) and not _unstorable(error):
                    raise
            else:  # what the batch refused is told one by one
                answers = dict(rows)
        for one in [*together, *alone]:
            if one.claim.effect_id not in answers:
                answers[one.claim.effect_id] = await self.complete(one)
        return answers

    async def publish(self, claim: Claim, snapshot: str, trace: str | None = None) -> str:
        """Send the instance a snapshot of an effect that goes on. Returns applied, void, failed,
        lost or refused."""
        try:
            return str(await self._value(PUBLISH, (claim.effect_id, claim.token, snapshot), trace))
        except psycopg.Error as error:
            if _unstorable(error):
                return "refused"
            if not _ours(error):
                raise
            return "lost" if from_postgres(error).code == "lease_lost" else "refused"

    async def drop(self, claim: Claim) -> None:
        """Settle an effect that was cancelled while it ran: it has no result."""
        await self.fail(claim, failed("cancelled", "its state was left", retry=False))

    async def _refused(self, done: Completion, error: PawlError) -> str:
        """The database does not want this result: the effect is not ours, or it is too large."""
        if error.code == "lease_lost":
            return "lost"
        await self.fail(done.claim, failed(error.code, error.message, retry=False), done.trace)
        return "refused"

    async def _not_stored(self, done: Completion, error: psycopg.Error) -> str:
        """The output is nothing that jsonb can hold, and would not be in another attempt."""
        refused = failed("bad_output", f"the handler's result: {_words(error)}", retry=False)
        await self.fail(done.claim, refused, done.trace)
        return "refused"

    async def fail(
        self, claim: Claim, failure: Failed, trace: str | None = None
    ) -> datetime | None:
        """Report a failed attempt. Returns when the next is due; None if there is none, or if
        the effect was not ours any more."""
        arguments = (
            claim.effect_id,
            claim.token,
            failure.error,
            failure.retry,
            failure.retry_after,
        )
        try:
            due = await self._value(FAIL, arguments, trace)
        except psycopg.Error as error:
            if _unstorable(error) and failure.code != "bad_error":  # a delay out of all bounds, say
                words = f"{failure.message} ({_words(error)})"
                told = failed("bad_error", words, retry=failure.retry)
                return await self.fail(claim, told, trace)
            if not _ours(error):
                raise
            return None
        return due if isinstance(due, datetime) else None

    async def extend(
        self, claims: Sequence[Claim], lease: timedelta, beats: Sequence[bool]
    ) -> dict[int, str]:
        """Renew leases; `beats` says which handlers sent a heartbeat since the last time.

        Returns `held`, `cancelled` or `lost` for each effect.
        """
        return dict(await self._rows(EXTEND, (*_keys(claims), lease, list(beats))))

    async def unwanted(self, claims: Sequence[Claim]) -> dict[int, str]:
        """Ask whose result nobody wants any more. Returns why, by effect: cancelled or lost."""
        return dict(await self._rows(UNWANTED, _keys(claims)))

    async def fire_timers(self, limit: int = 100) -> int:
        """Fire due timers. Returns how many; while it is `limit`, more may be due."""
        return int(await self._value(FIRE, (limit,)))

    async def apply_results(self, limit: int = 100) -> int:
        """Send again the events of results whose transition failed."""
        return int(await self._value(APPLY, (limit,)))

    async def deliver_messages(self, limit: int = 100) -> int:
        """Deliver messages between instances."""
        return int(await self._value(DELIVER, (limit,)))

    async def sweep(self) -> dict[str, int]:
        """Do the upkeep. Returns what it dropped, by kind."""
        return dict(await self._value(SWEEP, (), within=UPKEEP))

    async def seconds_to_next(self, most: float) -> float:
        """Return the seconds until something falls due: at least 0.01, at most `most`."""
        seconds = await self._value(NEXT, (self.effects,))
        return most if seconds is None else min(max(float(seconds), 0.01), most)

    async def ring(self) -> None:
        """Wake the peers that sleep."""
        await self._value(RING, ())

    async def notify(self, channel: str, payload: str) -> None:
        """Send a notification, as the self-test of the listening session does."""
        await self._value(NOTIFY, (channel, payload))

    async def seen(self) -> None:
        """Say that this worker is alive, and what it performs."""
        here = (socket.gethostname(), os.getpid(), __version__)
        await self._value(SEEN, (self.name, self.effects, *here))

    async def gone(self) -> None:
        """Say that this worker is leaving."""
        await self._value(GONE, (self.name,))

    async def release(self, claims: Sequence[Claim]) -> None:
        """Give effects back unperformed; this attempt does not count."""
        if claims:
            await self._value(RELEASE, _keys(claims))

    async def _rows(self, query: LiteralString, arguments: Sequence[Any]) -> list[Any]:
        async def run(connection: Connection) -> list[Any]:
            return await (await connection.execute(query, arguments)).fetchall()

        return await self._repeated(run)

    async def _value(
        self,
        query: LiteralString,
        arguments: Sequence[Any],
        trace: str | None = None,
        within: float | None = None,
    ) -> Any:
        async def ask(connection: Connection) -> Any:
            row = await (await connection.execute(query, arguments)).fetchone()
            assert row is not None, "a select of a function has one row"
            return row[0]

        async def run(connection: Connection) -> Any:
            if trace is None:
                return await ask(connection)
            async with connection.transaction():
                await connection.execute(TRACE, (tracing.SETTING, trace))
                return await ask(connection)

        return await self._repeated(run, within)

    async def _repeated(
        self, run: Callable[[Connection], Awaitable[Answer]], within: float | None = None
    ) -> Answer:
        """Run a statement, again after a serialization failure or a deadlock.

        Raises TimeoutError, an OSError, if there is no answer `within` so many seconds.
        """
        for pause in retry.pauses():
            try:
                return await self._once(run, within or ANSWER)
            except psycopg.Error as error:
                if not retry.retryable(error):
                    raise
            await asyncio.sleep(pause)
        return await self._once(run, within or ANSWER)

    async def _once(self, run: Callable[[Connection], Awaitable[Answer]], within: float) -> Answer:
        async with self._connect() as connection, asyncio.timeout(within):
            return await run(connection)


def _keys(claims: Sequence[Claim]) -> tuple[str, str]:
    """The effects' ids and tokens as Postgres writes arrays: psycopg asks of each number how large
    it is."""
    ids = ",".join([str(claim.effect_id) for claim in claims])
    tokens = ",".join([str(claim.token) for claim in claims])
    return f"{{{ids}}}", f"{{{tokens}}}"


def _unstorable(error: psycopg.Error) -> bool:
    """Whether a value is none for Postgres: out of range, nested too deeply, too long."""
    return isinstance(error, psycopg.DataError) or (error.sqlstate or "").startswith("54")


def _words(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error)


def _ours(error: psycopg.Error) -> bool:
    """Whether Postgres refused, by Pawl's own errors, rather than broke."""
    return (error.sqlstate or "").startswith("PT4")
