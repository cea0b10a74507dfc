"""When the loops look for work: after a ring, when something falls due, at the next poll at last.

Each loop looks, says what it found, and waits if that was nothing. The keeper listens while all of
them wait. It holds the doorbell's lock while any of them finds something, and has all of them look
once more after letting go of it, so that no sender is missed.
"""

import asyncio
import logging
import random
from enum import Enum, auto

import psycopg

from pawl.worker.counts import Counts
from pawl.worker.doorbell import Deaf, Doorbell
from pawl.worker.logs import say
from pawl.worker.queue import Queue

FIRST, LONGEST = 0.1, 10.0  # seconds between attempts to reach Postgres
DEAF = 60.0  # seconds at most until a session that hears nothing is tried again
FALLBACK = 1.0  # seconds between looks, while the doorbell is silent


def pause(failures: int) -> float:
    """Return the seconds to wait after the n-th failure in a row, with jitter.

    >>> all(0.05 <= pause(0) <= 0.1 for _ in range(9)), pause(99) <= LONGEST
    (True, True)
    """
    longest: float = min(LONGEST, FIRST * 2.0 ** min(failures, 20))
    return longest * random.uniform(0.5, 1)


class State(Enum):
    """What a loop does; one that is away can take no work now, and need not be waited for."""

    LOOKING = auto()
    WAITING = auto()
    AWAY = auto()


class Waking:
    """Loops by name, and who of them looks."""

    def __init__(self, loops: tuple[str, ...]) -> None:
        self._state = dict.fromkeys(loops, State.LOOKING)
        self._stirred = {loop: asyncio.Event() for loop in loops}
        self._changed = asyncio.Event()
        self._found = False

    def found(self, loop: str) -> None:
        """There was something; the other loops look too, for work comes together."""
        self._state[loop] = State.LOOKING
        self._found = True
        self._stir(*(other for other in self._state if other != loop))

    async def nothing(self, loop: str) -> None:
        """There was nothing: wait until it may be worth another look."""
        self._set(loop, State.WAITING)
        await self._stirred[loop].wait()
        self._stirred[loop].clear()
        self._set(loop, State.LOOKING)

    def away(self, loop: str) -> None:
        """The loop cannot take work; it will say `found` or `nothing` after its next look."""
        self._set(loop, State.AWAY)

    def stir(self) -> None:
        """Have every loop look."""
        self._stir(*self._state)

    async def nobody_looks(self) -> None:
        """Return when every loop waits or is away."""
        while State.LOOKING in self._state.values():
            self._changed.clear()
            await self._changed.wait()

    async def look_again(self) -> bool:
        """Have every loop look once more. Returns whether one found something."""
        self._found = False
        self.stir()
        await self.nobody_looks()
        return self._found

    def _stir(self, *loops: str) -> None:
        for loop in loops:
            if self._state[loop] is State.WAITING:
                self._state[loop] = State.LOOKING
            self._stirred[loop].set()

    def _set(self, loop: str, state: State) -> None:
        self._state[loop] = state
        self._changed.set()


class Keeper:
    """Wakes the loops: by listening where that works, else by polling."""

    def __init__(
        self, waking: Waking, queue: Queue, counts: Counts, listen_dsn: str | None, poll: float
    ) -> None:
        self._waking = waking
        self._queue = queue
        self._counts = counts
        self._listen_dsn = listen_dsn
        self._poll_seconds = poll

    async def run(self) -> None:
        """Keep on until cancelled."""
        if self._listen_dsn is None:
            say("polling", every=self._poll_seconds)
            await self._poll(float("inf"))
            return
        failures, deaf = 0, 0
        while True:
            try:
                bell = await Doorbell.open(self._listen_dsn, self._queue)
            except Deaf as error:
                say("polling", logging.WARNING, every=self._poll_seconds, reason=str(error))
                await self._poll(min(DEAF, 2.0 ** min(deaf, 6)))  # a pooler, or only a busy machine
                deaf += 1
            except (psycopg.Error, OSError) as error:
                say("not_listening", logging.WARNING, reason=str(error))
                await self._poll(pause(failures))
                failures += 1
            else:
                failures, deaf = 0, 0
                await self._listen(bell)

    async def _poll(self, seconds: float) -> None:
        """Poll for so long."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end:
            await self._waking.nobody_looks()
            await asyncio.sleep(await self._seconds(self._poll_seconds))
            self._waking.stir()

    async def _listen(self, bell: Doorbell) -> None:
        """Sleep and wake until the session breaks."""
        self._counts.listening = True
        say("listening")
        try:
            while True:
                self._waking.stir()  # before we say that we are awake: it rang for work
                await bell.stay_awake()
                await self._waking.nobody_looks()
                await bell.rest()
                while not await self._waking.look_again():
                    if await bell.wait(await self._seconds(FALLBACK)):
                        break
        except (psycopg.Error, OSError) as error:
            say("listening_lost", logging.WARNING, reason=str(error))
        finally:
            self._counts.listening = False
            await bell.close()

    async def _seconds(self, most: float) -> float:
        """How long to sleep; the whole time while the database does not say."""
        try:
            return await self._queue.seconds_to_next(most)
        except (psycopg.Error, OSError):
            return most
