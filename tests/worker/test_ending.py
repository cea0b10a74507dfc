"""A worker's loops end when they are told to, and leave no effect that nobody performs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta

import pytest

from pawl import Task, Worker
from pawl.worker import daemon
from pawl.worker.queue import Queue
from pawl.worker.task import Claim
from tests.worker.conftest import Parcels


def test_a_loop_that_lost_its_cancellation_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(daemon, "AGAIN", 0.01)
    lost = []

    async def hard_of_hearing() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        lost.append("once")
        await asyncio.Event().wait()

    async def story() -> None:
        task = asyncio.create_task(hard_of_hearing())
        await asyncio.sleep(0)
        await asyncio.wait_for(daemon.end([task]), 60)
        assert task.cancelled()

    asyncio.run(story())
    assert lost == ["once"]


@pytest.mark.parametrize("later", range(7))
def test_a_worker_that_stops_as_a_claim_ends_holds_nothing(
    parcels: Parcels, monkeypatch: pytest.MonkeyPatch, later: int
) -> None:
    claim = Queue.claim

    async def one_by_one(queue: Queue, limit: int, lease: timedelta) -> list[Claim]:
        claims = await claim(queue, 1, lease)
        if claims:
            _call_later(later, worker.stop)
        return claims

    app = Worker()

    @app.effect("print_label")
    async def print_label(task: Task, parcel: str) -> None:
        await asyncio.Event().wait()

    async def story() -> None:
        await asyncio.wait_for(worker.run(), 60)

    monkeypatch.setattr(Queue, "claim", one_by_one)
    for n in range(5):
        parcels.create(f"p-{n}")
    worker = daemon.Daemon(app, daemon.Settings(parcels.dsn, poll=0.05, grace=0))
    asyncio.run(story())
    held = "select effect_id from pawl.lease where worker is not null"
    assert parcels.connection.execute(held).fetchall() == []


def _call_later(turns: int, call: Callable[[], None]) -> None:
    """Call it after so many turns of the event loop."""
    if turns == 0:
        call()
    else:
        asyncio.get_running_loop().call_soon(_call_later, turns - 1, call)
