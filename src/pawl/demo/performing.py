"""The handlers of the example, with a ledger: a worker of `pawl demo upgrade` loads this module.

PAWL_DEMO_LEDGER names a file, to which each call of a handler adds a line: the effect and its
input. What the database knows of effects plays no part in it, so it can be held against that.
"""

import asyncio
import json
import os
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from pawl.demo.setting import example
from pawl.worker import Task, Worker
from pawl.worker.app import Handler
from pawl.worker.loading import load

LEDGER = "PAWL_DEMO_LEDGER"
TAKES = 0.02  # seconds: so that effects are under way while their instances are migrated


def _recording(handler: Handler) -> Callable[..., Any]:
    """The handler, each of whose calls is written down before it."""

    @wraps(handler.function)
    def call(task: Task, **arguments: Any) -> Any:
        _write(task)
        time.sleep(TAKES)
        return handler.function(task, **arguments)

    @wraps(handler.function)
    async def call_async(task: Task, **arguments: Any) -> Any:
        _write(task)
        await asyncio.sleep(TAKES)
        return await handler.function(task, **arguments)

    return call_async if handler.is_async else call


def _write(task: Task) -> None:
    """Append one line, in one write, so that calls in several threads do not mix."""
    line = {
        "effect_id": task.effect_id,
        "effect": task.effect,
        "id": task.id,
        "input": task.input,
    }
    with Path(os.environ[LEDGER]).open("ab", buffering=0) as ledger:
        ledger.write(json.dumps(line, default=str).encode() + b"\n")


def recorded(handlers: Worker) -> Worker:
    """The same handlers, each of whose calls is written down."""
    recorded = Worker()
    for effect in handlers.effects:
        recorded.effect(effect)(_recording(handlers.handler(effect)))
    return recorded


app = recorded(load((str(example() / "handlers.py"),)))
