"""One attempt at one effect: from a claim to an outcome, without the database."""

import asyncio
import logging
from typing import Any

from pawl import tracing
from pawl.client.payload import to_jsonb
from pawl.worker.app import Handler
from pawl.worker.logs import say
from pawl.worker.outcomes import Done, Fatal, Outcome, RetryAfter, failed, from_exception
from pawl.worker.task import Task
from pawl.worker.threads import Threads


async def perform(handler: Handler, task: Task, threads: Threads | None = None) -> Outcome:
    """Call the handler within its time; never raises but for the cancellation of our own task.

    A thread cannot be ended from outside: when its time is up the attempt has failed, `cancelled`
    tells it so, and it is among the threads that are `left` until it returns.
    """
    claim = task.claim
    try:
        arguments = handler.signature.bind(claim.input)
        async with asyncio.timeout(claim.timeout.total_seconds()) as limit:
            value = await _call(handler, task, arguments, threads or Threads())
        return Done(_json(value))
    except asyncio.CancelledError as error:
        if not _is_cancelled():  # the handler's own: of something that it waited for
            return _failure(task, error)
        task.cancel()
        raise
    except TimeoutError as error:
        if not limit.expired():  # the handler's own: of a socket, say
            return _failure(task, error)
        task.cancel()
        return failed("timeout", f"not done within {claim.timeout.total_seconds():g} s")
    except Exception as error:
        return _failure(task, error)


def _is_cancelled() -> bool:
    """Whether somebody has cancelled the task in which we are."""
    current = asyncio.current_task()
    return current is not None and current.cancelling() > 0


def _json(value: Any) -> str:
    """The output as JSON. Raises `Fatal`: another attempt would return the like."""
    try:
        return to_jsonb(value)
    except (TypeError, ValueError) as error:
        raise Fatal(f"the handler's result: {error}", code="bad_output") from error


async def _call(handler: Handler, task: Task, arguments: dict[str, Any], threads: Threads) -> Any:
    if handler.is_async:
        return await handler.call(task, arguments)
    return await threads.call(lambda: handler.call(task, arguments))


def _failure(task: Task, error: BaseException) -> Outcome:
    """Log what a handler raised: with its traceback, unless it was raised to tell us something."""
    told = isinstance(error, Fatal | RetryAfter)
    try:
        outcome = from_exception(error)
    except Exception as wrong:  # a delay that is none, say
        outcome = failed("bad_error", f"{type(error).__name__} cannot be told: {wrong!r}")
    say(
        "raised",
        logging.WARNING,
        error=None if told else error,
        code=outcome.code,
        message=outcome.message,
        **task.claim.fields(),
    )
    tracing.note(error)
    return outcome
