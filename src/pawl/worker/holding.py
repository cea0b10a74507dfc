"""The effects that this worker holds: handlers that run, leases to renew, outcomes to store."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from pawl import tracing
from pawl.worker.app import Worker
from pawl.worker.counts import Counts
from pawl.worker.ending import AGAIN, end
from pawl.worker.logs import LOGGER, say
from pawl.worker.outcomes import Done, Dropped, Failed, Outcome, Published
from pawl.worker.performing import perform
from pawl.worker.queue import Completion, Queue
from pawl.worker.task import Claim, Task
from pawl.worker.threads import Threads
from pawl.worker.waking import pause

BATCH = 100  # results stored by one statement
UNSTORED = 1000  # results that may wait for a database that is away; then nothing is claimed
CANCELLED, LOST, RELEASED = "cancelled", "lost", "released"
QUIET = ("applied", "void", CANCELLED, RELEASED)


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt that is over, or has a snapshot to tell, and the trace under which to say so."""

    claim: Claim
    outcome: Outcome | Published
    trace: str | None


class Holding:
    """What is claimed and not yet settled."""

    def __init__(self, app: Worker, queue: Queue, counts: Counts, concurrency: int) -> None:
        self._app = app
        self._queue = queue
        self._counts = counts
        self._concurrency = concurrency
        self._held: dict[int, Task] = {}  # by effect: the last claim of each
        self._running: dict[int, asyncio.Task[None]] = {}  # by token, and so the next
        self._unwanted: dict[int, str] = {}
        self._ended: asyncio.Queue[Ended] = asyncio.Queue()
        self._changed = asyncio.Event()
        self._threads = Threads(self._returned)
        self.stubborn = False
        """Whether a handler goes on that was told to end."""

    # --- slots ---------------------------------------------------------------------------------

    @property
    def free(self) -> int:
        """How many more effects could be performed now."""
        if self._ended.qsize() >= UNSTORED:
            return 0
        return max(0, self._concurrency - len(self._running) - self._threads.left)

    @property
    def stuck(self) -> bool:
        """Whether every slot is kept by a thread whose attempt is over and that does not return."""
        return self._threads.left >= self._concurrency

    async def changed(self) -> None:
        """Wait until a handler has ended or a result is stored."""
        self._changed.clear()
        await self._changed.wait()

    async def empty(self) -> None:
        """Wait until nothing is held."""
        while self._held:
            await self.changed()

    # --- performing ----------------------------------------------------------------------------

    def begin(self, claims: list[Claim]) -> None:
        """Start a handler for each; where our own lease ran out, end the one before."""
        now, publish = datetime.now(UTC), self._publisher()
        for claim in claims:
            if (before := self._held.get(claim.effect_id)) is not None:
                self._end(before, LOST)
            task = Task(claim, publish)
            self._held[claim.effect_id] = task
            self._counts.claimed[claim.effect] += 1
            if claim.attempt == 1:
                self._counts.lag[claim.effect] = (now - claim.created_at).total_seconds()
            if LOGGER.isEnabledFor(logging.DEBUG):
                say("claimed", logging.DEBUG, **claim.fields())
            running = asyncio.create_task(self._perform(task), name=f"effect {claim.effect_id}")
            self._running[claim.token] = running
        self._counts.in_flight = len(self._running)

    def _publisher(self) -> Callable[[Claim, str], None]:
        """What a handler calls with a snapshot, from whatever thread it runs in."""
        loop = asyncio.get_running_loop()

        def publish(claim: Claim, snapshot: str) -> None:
            told = Ended(claim, Published(snapshot), tracing.traceparent() or claim.trace)
            loop.call_soon_threadsafe(self._ended.put_nowait, told)

        return publish

    async def _perform(self, task: Task) -> None:
        claim = task.claim
        loop = asyncio.get_running_loop()
        began = loop.time()
        attributes = {"pawl.machine": claim.machine, "pawl.instance": claim.id}
        with tracing.span(f"effect {claim.effect}", claim.trace, attributes) as trace:
            try:
                handler = self._app.handler(claim.effect)
                outcome: Outcome = await perform(handler, task, self._threads)
            except asyncio.CancelledError:  # by `_end`
                outcome = Dropped(self._unwanted.pop(claim.token, RELEASED))
        took = loop.time() - began
        self._counts.seconds[claim.effect] += int(took * 1_000_000)
        del self._running[claim.token]
        self._counts.in_flight = len(self._running)
        self._counts.left = self._threads.left
        # The way that its snapshots take, so that it comes after them.
        loop.call_soon(self._ended.put_nowait, Ended(claim, outcome, trace))
        self._changed.set()

    def _returned(self) -> None:
        """A thread whose attempt was over has returned: its slot is free."""
        self._counts.left = self._threads.left
        self._changed.set()

    # --- leases --------------------------------------------------------------------------------

    def renewal(self, lease: timedelta) -> float:
        """Return the seconds between two renewals: a third of the shortest time that is given."""
        beats = [task.claim.heartbeat for task in self._held.values()]
        return min(lease, *(beat for beat in beats if beat is not None), lease).total_seconds() / 3

    async def renew(self, lease: timedelta) -> None:
        """Renew all leases in one statement; end what was cancelled or lost."""
        tasks = list(self._held.values())
        if not tasks:
            return
        beats = [task.take_beat() for task in tasks]
        verdicts = await self._queue.extend([task.claim for task in tasks], lease, beats)
        for task in tasks:
            verdict = verdicts.get(task.effect_id, LOST)
            if verdict != "held":
                self._end(task, verdict)

    async def end_unwanted(self) -> None:
        """End the handlers whose result nobody wants any more."""
        tasks = self._tasks_running()
        if not tasks:
            return
        reasons = await self._queue.unwanted([task.claim for task in tasks])
        for task in tasks:
            if task.effect_id in reasons and self._held.get(task.effect_id) is task:
                self._end(task, reasons[task.effect_id])

    def _tasks_running(self) -> list[Task]:
        return [task for task in self._held.values() if task.claim.token in self._running]

    def _end(self, task: Task, why: str) -> None:
        """Tell a handler that nobody wants its result."""
        running = self._running.get(task.claim.token)
        if running is not None and not task.cancelled:
            say(f"told_{why}", **task.claim.fields())
            self._unwanted[task.claim.token] = why
            task.cancel()
            running.cancel()

    async def let_go(self, within: float) -> list[Claim]:
        """End all handlers, which have so many seconds to clear up. Returns what is to be given
        back, unperformed: an effect whose handler goes on is not."""
        tasks = [task for task in self._tasks_running() if not task.cancelled]
        for task in tasks:
            self._end(task, RELEASED)
        if running := list(self._running.values()):
            _, late = await asyncio.wait(running, timeout=within)
            self.stubborn = bool(await end(late, AGAIN))
        if self.stubborn:
            say("not_ended", logging.ERROR, handlers=len(self._running))
        return [task.claim for task in tasks if task.claim.token not in self._running]

    # --- results -------------------------------------------------------------------------------

    async def store(self, recover: Callable[[], Awaitable[None]]) -> None:
        """Store results, in batches, until cancelled. While the database is away they wait."""
        while True:
            batch = [await self._ended.get()]
            while len(batch) < BATCH and not self._ended.empty():
                batch.append(self._ended.get_nowait())
            failures = 0
            while batch:
                try:
                    await self._store(batch)
                except (psycopg.Error, OSError) as error:
                    self._counts.database_errors += 1
                    say("not_stored", logging.WARNING, count=len(batch), reason=str(error))
                    await asyncio.sleep(pause(failures))
                    await recover()
                    failures += 1

    async def _store(self, batch: list[Ended]) -> None:
        """Store a batch; what is stored is taken out of it, whatever becomes of the rest."""
        for told in list(batch):
            if isinstance(told.outcome, Published):
                how = await self._queue.publish(told.claim, told.outcome.snapshot, told.trace)
                batch.remove(told)
                level = logging.DEBUG if how in QUIET else logging.WARNING
                say("snapshot", level, became=how, **told.claim.fields())
        for ended in [ended for ended in batch if not self._is_held(ended.claim)]:
            self._settled(batch, ended, LOST)
        answers = await self._queue.complete_all([*_completions(batch)])
        for ended in [ended for ended in batch if ended.claim.effect_id in answers]:
            self._settled(batch, ended, answers[ended.claim.effect_id])
        for ended in list(batch):
            match ended.outcome:
                case Failed():
                    due = await self._queue.fail(ended.claim, ended.outcome, ended.trace)
                    how = "exhausted" if due is None else "retried"
                    self._settled(batch, ended, how, next_at=due, code=ended.outcome.code)
                case Dropped(reason):
                    if reason == CANCELLED:
                        await self._queue.drop(ended.claim)
                    self._settled(batch, ended, reason)
                case Done() | Published():
                    raise AssertionError("every result has an answer")

    def _is_held(self, claim: Claim) -> bool:
        """Whether it is the last claim of its effect, and not settled."""
        task = self._held.get(claim.effect_id)
        return task is not None and task.claim is claim

    def _settled(self, batch: list[Ended], ended: Ended, how: str, **fields: Any) -> None:
        batch.remove(ended)
        if self._is_held(ended.claim):
            del self._held[ended.claim.effect_id]
        self._counts.ended[ended.claim.effect, how] += 1
        level = logging.INFO if how in QUIET else logging.WARNING
        if LOGGER.isEnabledFor(level):
            say(how, level, **ended.claim.fields(), **fields)
        self._changed.set()


def _completions(batch: list[Ended]) -> Iterator[Completion]:
    for ended in batch:
        if isinstance(ended.outcome, Done):
            yield Completion(ended.claim, ended.outcome.output, ended.trace)
