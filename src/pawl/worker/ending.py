"""Tasks that are to end: a cancellation may be lost, or not be taken for an answer."""

import asyncio
import math
from collections.abc import Collection

AGAIN = 2.0  # seconds until a task that was cancelled and goes on is cancelled again


async def end(
    tasks: Collection[asyncio.Task[None]], within: float = math.inf
) -> set[asyncio.Task[None]]:
    """Cancel tasks until they have ended. Returns those that have not `within` so many seconds.

    One that waits for something with a time limit as it comes loses the cancellation
    (`asyncio.wait_for` before Python 3.12: the pool's connections, handlers), and would go on.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + within
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=min(AGAIN, max(0.0, until - loop.time())))
        if loop.time() >= until:
            break
    return left
