"""A thread with an event loop: what is async runs there, whoever asks.

A test that is not async calls it and waits; one that is may wait too, for it has a loop of its own
that this does not need, or await it (`World.aio`).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class Portal:
    """Runs coroutines in a loop of its own, until it is closed."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="pawl-testing")
        self._thread.daemon = True  # a handler that never returns must not keep pytest from ending
        self._thread.start()

    def call(self, coroutine: Coroutine[Any, Any, Answer]) -> Answer:
        """Run it and wait for it, in whatever thread we are."""
        __tracebackhide__ = True  # pytest shows the line of the test
        future = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        try:
            return future.result()
        except AssertionError as error:  # about the test; where in here it was raised helps nobody
            raise error.with_traceback(None) from None
        except BaseException:
            future.cancel()
            raise

    async def awaited(self, coroutine: Coroutine[Any, Any, Answer]) -> Answer:
        """The same for somebody with a loop, which goes on meanwhile."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """End the loop and its thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
