"""Handlers that are not async: a thread for each call.

Not a pool: a call that does not return would be missing in it for ever, and the end of the process
would wait for it.
"""

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import Any

NAME = "pawl-handler"
"""How the names of the threads begin."""


def nothing() -> None:
    """Do nothing."""


class Threads:
    """Calls functions in threads. Used in one event loop; `returned` is called there."""

    def __init__(self, returned: Callable[[], None] = nothing) -> None:
        self.left = 0
        """Calls that nobody waits for any more and that have not returned."""
        self._returned = returned

    async def call(self, function: Callable[[], Any]) -> Any:
        """Call it and wait; if the wait is cancelled, the thread goes on until it returns."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()

        def take(value: Any, error: BaseException | None) -> None:
            if answer.cancelled():
                self.left -= 1
                self._returned()
            else:
                answer.set_result((value, error))

        def run(context: contextvars.Context) -> None:
            value, error = None, None
            try:
                value = context.run(function)
            except BaseException as raised:
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop may be closed by now
                loop.call_soon_threadsafe(take, value, error)

        arguments = (contextvars.copy_context(),)
        threading.Thread(target=run, args=arguments, name=NAME, daemon=True).start()
        try:
            value, error = await answer
        except asyncio.CancelledError:
            if answer.cancelled():
                self.left += 1
            raise
        if error is not None:
            raise error
        return value
