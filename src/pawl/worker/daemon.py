"""`pawl worker`: the loops, and how they begin and end.

Effects, messages, timers, stored results, leases, cancellations, heartbeats and upkeep each have a
loop of their own. A loop that meets an error of the database backs off and goes on; any other error
is a bug, and ends the process, whose effects others take over when their leases are out.
"""

import asyncio
import logging
import os
import random
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

from pawl.errors import PawlError
from pawl.worker.app import Worker
from pawl.worker.counts import Counts
from pawl.worker.doorbell import ALIVE
from pawl.worker.ending import end
from pawl.worker.holding import Holding
from pawl.worker.logs import say
from pawl.worker.queue import Queue, configure
from pawl.worker.task import Claim
from pawl.worker.waking import Keeper, Waking, pause

EFFECTS, MESSAGES = "effects", "messages"
TICK = 0.5  # seconds between two looks whether leases are to be renewed
LOOK = 0.25  # seconds between two looks whether what runs is still wanted
HEARTBEAT = 10.0  # seconds
SWEEP, FIRST_SWEEP = 180.0, 10.0  # seconds, about
CONNECTIONS = 9  # one for each loop: none waits for another
PATIENCE = 0.05  # seconds without a free slot until peers are told that there is work
BEGINNING = 30.0  # seconds in which Postgres must be reached first
RECONNECTING = 2.0  # seconds until the pool's pauses between attempts are short again
LEAVING = 10.0  # seconds for each of the last things to do, when handlers have no more time
LIMIT = 100  # timers, results or messages of one statement


@dataclass(frozen=True, slots=True)
class Settings:
    """How a worker runs. Without `listen_dsn` it polls. `effects` narrows what it claims.

    `stuck`: seconds without any change while every slot is kept by a thread that does not return.
    """

    dsn: str
    listen_dsn: str | None = None
    effects: tuple[str, ...] | None = None
    concurrency: int = 10
    lease: timedelta = timedelta(seconds=30)
    poll: float = 0.25
    grace: float = 30.0
    stuck: float = 30.0
    name: str = ""

    def named(self) -> str:
        """The name under which it claims: unique to this process unless given."""
        return self.name or f"{socket.gethostname()}:{os.getpid()}"


class Stuck(PawlError):
    """Every slot is kept by a handler in a thread that does not return."""


class Daemon:
    """One worker process."""

    def __init__(self, app: Worker, settings: Settings) -> None:
        self.counts = Counts()
        self._settings = settings
        self._stop = asyncio.Event()
        self._leave = asyncio.Event()
        self._stuck = False
        self._pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
            psycopg.conninfo.make_conninfo(settings.dsn, **_defaults(settings.dsn)),
            min_size=1,
            max_size=CONNECTIONS,
            open=False,
            configure=configure,
            # Else its pauses double for five minutes: we would be away twice as long as Postgres.
            reconnect_timeout=RECONNECTING,
            reconnect_failed=_try_anew,
            name="pawl-worker",
        )
        claimed = settings.effects if settings.effects is not None else app.effects
        self._queue = Queue(self._pool.connection, settings.named(), claimed)
        self._holding = Holding(app, self._queue, self.counts, settings.concurrency)
        self._waking = Waking((EFFECTS, MESSAGES))
        self._keeper = Keeper(
            self._waking, self._queue, self.counts, settings.listen_dsn, settings.poll
        )
        self._claiming: asyncio.Task[bool] | None = None

    async def run(self) -> None:
        """Work until `stop`, or a signal.

        Raises psycopg's errors if it cannot begin, `Stuck` if no handler returns any more.
        """
        self._catch_signals()
        async with self._pool:
            if await self._reached():
                await self._work()
        say("stopped", worker=self._queue.name)
        if self._stuck:
            raise Stuck(
                "every slot is kept by a handler that does not return",
                code="stuck",
                hint="Give what handlers call timeouts of its own; a thread cannot be ended from "
                "outside.",
            )

    async def _reached(self) -> bool:
        """Wait for Postgres. Returns whether to begin: not if told to stop meanwhile."""
        reaching = asyncio.create_task(self._pool.wait(timeout=BEGINNING))
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({reaching, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if self._stop.is_set():
            await end([reaching])
            return False
        await reaching
        return True

    async def _work(self) -> None:
        """Run the loops until told to stop, and what was taken until it is settled."""
        say("started", worker=self._queue.name, effects=self._queue.effects, pid=os.getpid())
        async with asyncio.TaskGroup() as group:
            looking = [group.create_task(loop) for loop in self._looking()]
            keeping = [group.create_task(loop) for loop in self._keeping()]
            await self._stop.wait()
            group.create_task(end(looking))
            await self._drain()
            await end(keeping)
        await self._say_gone()

    @property
    def stubborn(self) -> bool:
        """Whether a handler goes on that was told to end: the event loop would wait for it."""
        return self._holding.stubborn

    def stop(self) -> None:
        """Take no more work, end what runs, return. A second call does not wait for handlers."""
        if self._stop.is_set():
            self._leave.set()
        else:
            say("stopping", in_flight=self.counts.in_flight, grace=self._settings.grace)
        self._stop.set()

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)

    async def _drain(self) -> None:
        """Wait for handlers and their results, for the grace period or until told to leave."""
        if self._claiming is not None:
            await asyncio.wait({self._claiming})
        emptied = asyncio.create_task(self._holding.empty())
        left = asyncio.create_task(self._leave.wait())
        await asyncio.wait(
            {emptied, left}, timeout=self._settings.grace, return_when=asyncio.FIRST_COMPLETED
        )
        left.cancel()
        if emptied.done():
            return
        await self._give_back(await self._holding.let_go(LEAVING))
        await asyncio.wait({emptied}, timeout=LEAVING)  # what handlers did before is stored
        emptied.cancel()

    async def _give_back(self, claims: Sequence[Claim]) -> None:
        """Give back what was not performed, again if a connection broke: else it waits for leases
        to end."""
        failures = 0
        try:
            async with asyncio.timeout(LEAVING):
                while True:
                    try:
                        await self._queue.release(claims)
                        return
                    except (psycopg.Error, OSError) as error:
                        say("not_released", logging.WARNING, reason=str(error))
                    await asyncio.sleep(pause(failures))
                    await self._recover()
                    failures += 1
        except TimeoutError:
            say("not_released", logging.WARNING, reason=f"no answer within {LEAVING:g} s")

    async def _say_gone(self) -> None:
        try:
            async with asyncio.timeout(LEAVING):
                await self._queue.gone()
        except (psycopg.Error, OSError) as error:
            reason = str(error) or f"no answer within {LEAVING:g} s"
            say("not_signed_off", logging.WARNING, reason=reason)

    # --- the loops -----------------------------------------------------------------------------

    def _looking(self) -> list[Coroutine[Any, Any, None]]:
        """The loops that take new work."""
        return [
            self._keeper.run(),
            self._repeat(EFFECTS, self._claim),
            self._repeat(MESSAGES, self._deliver),
            self._repeat("timers", self._fire),
            self._repeat("results", self._apply),
            self._upkeep(),
        ]

    def _keeping(self) -> list[Coroutine[Any, Any, None]]:
        """The loops that go on until all that was taken is settled."""
        return [
            self._holding.store(self._recover),
            self._repeat("leases", self._renew),
            self._repeat("cancellations", self._look),
            self._repeat("heartbeat", self._beat),
        ]

    async def _repeat(self, name: str, step: Callable[[], Awaitable[None]]) -> None:
        """Run a step again and again; back off while the database does not answer."""
        failures = 0
        while True:
            try:
                await step()
                failures = 0
            except (psycopg.Error, OSError) as error:
                self.counts.database_errors += 1
                say("database_error", logging.WARNING, loop=name, reason=str(error))
                if name in (EFFECTS, MESSAGES):
                    self._waking.away(name)
                await asyncio.sleep(pause(failures))
                await self._recover()
                failures += 1

    async def _recover(self) -> None:
        """Replace the pool's connections that broke, after a restart of Postgres say."""
        await self._pool.check()

    async def _claim(self) -> None:
        free = self._holding.free
        if free == 0:
            await self._no_slot()
            return
        self._claiming = asyncio.create_task(self._take(free))
        if await asyncio.shield(self._claiming):  # what is claimed is performed, also when we stop
            self._waking.found(EFFECTS)
        else:
            await self._waking.nothing(EFFECTS)

    async def _take(self, free: int) -> bool:
        """Claim effects and begin them, but for one who stops. Returns whether there were any."""
        if self._stop.is_set():  # since it was asked to: nobody waits for this claim any more
            return False
        claims = await self._queue.claim(free, self._settings.lease)
        self._holding.begin(claims)
        return bool(claims)

    async def _no_slot(self) -> None:
        """Wait for a slot; if that takes longer, tell idle peers, and do not keep them asleep."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._holding.changed()
        except TimeoutError:
            self._waking.away(EFFECTS)
            await self._queue.ring()
            await self._slot()

    async def _slot(self) -> None:
        """Wait for a slot. If no handler can ever give one back, end: who is started anew can."""
        while self._holding.free == 0:
            try:
                async with asyncio.timeout(self._settings.stuck):
                    await self._holding.changed()
            except TimeoutError:
                if self._holding.stuck and not self._stuck:
                    self._stuck = True
                    say("stuck", logging.ERROR, threads=self._settings.concurrency)
                    self.stop()

    async def _deliver(self) -> None:
        delivered = await self._queue.deliver_messages(LIMIT)
        self.counts.messages += delivered
        if delivered:
            self._waking.found(MESSAGES)
        else:
            await self._waking.nothing(MESSAGES)

    async def _fire(self) -> None:
        fired = await self._queue.fire_timers(LIMIT)
        self.counts.timers += fired
        if fired:
            say("fired", timers=fired)
            self._waking.stir()
        if fired < LIMIT:
            await asyncio.sleep(await self._queue.seconds_to_next(self._settings.poll))

    async def _apply(self) -> None:
        applied = await self._queue.apply_results(LIMIT)
        self.counts.results += applied
        if applied:
            say("results", count=applied)
            self._waking.stir()
        if applied < LIMIT:
            await asyncio.sleep(self._settings.poll)

    async def _renew(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while loop.time() - began < self._holding.renewal(self._settings.lease):
            await asyncio.sleep(TICK)
        await self._holding.renew(self._settings.lease)

    async def _look(self) -> None:
        await asyncio.sleep(LOOK)
        await self._holding.end_unwanted()

    async def _beat(self) -> None:
        await self._queue.seen()
        await asyncio.sleep(HEARTBEAT)

    async def _upkeep(self) -> None:
        """Sweep, but not at once: what waits comes first, and peers that begin now sweep too."""
        await asyncio.sleep(FIRST_SWEEP * random.uniform(0.5, 1.5))
        await self._repeat("upkeep", self._sweep)

    async def _sweep(self) -> None:
        say("swept", logging.DEBUG, rows=await self._queue.sweep())
        await asyncio.sleep(SWEEP)


async def _try_anew(pool: AsyncConnectionPool[Any]) -> None:
    """Have a pool that has no connection left begin its attempts anew; others get along."""
    if pool.get_stats()["pool_size"] == 0:
        await pool.check()


def _defaults(dsn: str) -> dict[str, Any]:
    """Parameters of the connection that the caller's DSN does not set."""
    given = psycopg.conninfo.conninfo_to_dict(dsn)
    ours = {"connect_timeout": 10, "application_name": "pawl worker", **ALIVE}
    return {name: value for name, value in ours.items() if name not in given}
