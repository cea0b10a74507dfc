"""Everything that is due now, once, until nothing is left: a worker without background tasks.

`pawl worker --drain` and the tests of a user's machines run this: effects one after another in the
order of their claims, so that a run is the same every time.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from psycopg_pool import AsyncConnectionPool

from pawl import tracing
from pawl.worker.app import Worker
from pawl.worker.outcomes import Done, Failed, Outcome
from pawl.worker.performing import perform
from pawl.worker.queue import Completion, Queue, configure
from pawl.worker.task import Claim, Task
from pawl.worker.threads import Threads

LEASE = timedelta(seconds=60)
ROUNDS = 10_000


class Endless(RuntimeError):
    """There was always something more to do: machines that keep each other busy, most likely."""


@dataclass(frozen=True, slots=True)
class Performed:
    """An effect that was performed, and how it ended: done, failed or retried."""

    claim: Claim
    outcome: Outcome
    ended: str


@dataclass(slots=True)
class Drained:
    """What a drain did."""

    timers: int = 0
    results: int = 0
    messages: int = 0
    effects: list[Performed] = field(default_factory=list)


async def drain(
    app: Worker, dsn: str, *, effects: Sequence[str] | None = None, name: str = "drain"
) -> Drained:
    """Fire due timers, apply results, deliver messages and perform effects until all is quiet.

    What is not due yet stays: an effect in its backoff, a timer of tomorrow. `effects` narrows what
    is performed. Raises `Endless`.
    """
    pool = AsyncConnectionPool(dsn, min_size=1, max_size=2, open=False, configure=configure)
    async with pool:
        queue = Queue(pool.connection, name, app.effects if effects is None else effects)
        return await _until_quiet(app, queue, Threads())


def drain_sync(
    app: Worker, dsn: str, *, effects: Sequence[str] | None = None, name: str = "drain"
) -> Drained:
    """The same for a program without an event loop."""
    return asyncio.run(drain(app, dsn, effects=effects, name=name))


async def _until_quiet(app: Worker, queue: Queue, threads: Threads) -> Drained:
    did = Drained()
    for _ in range(ROUNDS):
        timers = await queue.fire_timers()
        results = await queue.apply_results()
        messages = await queue.deliver_messages()
        performed = [
            await _one(app, queue, claim, threads) for claim in await queue.claim(1, LEASE)
        ]
        did.timers += timers
        did.results += results
        did.messages += messages
        did.effects += performed
        if not (timers or results or messages or performed):
            return did
    raise Endless(f"still busy after {ROUNDS} rounds")


async def _one(app: Worker, queue: Queue, claim: Claim, threads: Threads) -> Performed:
    told: list[str] = []
    with tracing.span(claim.effect, claim.trace, {"pawl.instance": claim.id}) as trace:
        task = Task(claim, lambda _, snapshot: told.append(snapshot))
        outcome = await perform(app.handler(claim.effect), task, threads)
    for snapshot in told:
        await queue.publish(claim, snapshot, trace)
    return Performed(claim, outcome, await settle(queue, claim, outcome, trace))


async def settle(queue: Queue, claim: Claim, outcome: Outcome, trace: str | None) -> str:
    """Tell the database how an attempt ended. Returns `retried`, `exhausted`, `dropped`, or what
    became of the result: applied, void, failed, lost, refused."""
    match outcome:
        case Done(output):
            return await queue.complete(Completion(claim, output, trace))
        case Failed():
            due = await queue.fail(claim, outcome, trace)
            return "exhausted" if due is None else "retried"
        case _:
            return "dropped"
