"""The effects of a job: what they do to the world is a line in a file that survives everything.

`DIE_AT` names the point at which the process kills itself (SIGKILL), `STOP_AT` the one at which it
stops (SIGSTOP) until somebody lets it go on: claimed, begun, performed, stored, applied.
`WORK_TAKES` and `TELL_TAKES` are how long handlers take, in seconds.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Sequence
from datetime import timedelta

from pawl import Task, Worker
from pawl.worker.queue import Completion, Queue
from pawl.worker.task import Claim

app = Worker()
DIE_AT, STOP_AT = os.environ.get("DIE_AT"), os.environ.get("STOP_AT")
TAKES = {name: float(os.environ.get(f"{name.upper()}_TAKES", "0")) for name in ("work", "tell")}
RECORD = os.open(os.environ["RECORD_FILE"], os.O_WRONLY | os.O_APPEND)


def at(point: str) -> None:
    """Be killed or stopped, if this is the point."""
    if point == DIE_AT:
        os.kill(os.getpid(), signal.SIGKILL)
    if point == STOP_AT:
        os.kill(os.getpid(), signal.SIGSTOP)


@app.effect("work")
async def work(task: Task, job: str) -> dict[str, str]:
    return await perform(task)


@app.effect("tell")
async def tell(task: Task, mark: str) -> dict[str, str]:
    return await perform(task)


async def perform(task: Task) -> dict[str, str]:
    """Do it: one write to a file opened for appending is whole or nothing."""
    at("begun")
    line = {"key": task.idempotency_key, "attempt": task.attempt, "pid": os.getpid()}
    os.write(RECORD, f"{json.dumps(line)}\n".encode())
    await asyncio.sleep(TAKES[task.effect])
    at("performed")
    return {"by": str(os.getpid())}


class Watched(Queue):
    """The worker's statements, with points after the answers of two of them."""

    async def claim(self, limit: int, lease: timedelta) -> list[Claim]:
        claims = await Queue.claim(self, limit, lease)
        if claims:
            at("claimed")
        return claims

    async def complete_all(self, done: Sequence[Completion]) -> dict[int, str]:
        answers = await Queue.complete_all(self, done)
        if "failed" in answers.values():
            at("stored")
        if "applied" in answers.values():
            at("applied")
        return answers


if DIE_AT or STOP_AT:
    import pawl.worker.daemon

    pawl.worker.daemon.Queue = Watched
