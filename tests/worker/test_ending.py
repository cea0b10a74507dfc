"""A worker's loops end when they are told to, and leave no effect that nobody performs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pawl import Task, Worker
from pawl.worker import daemon, ending, holding
from pawl.worker.queue import Queue
from pawl.worker.task import Claim
from tests.worker.conftest import Parcels
from tests.worker.processes import worker

HANDLERS = str(Path(__file__).parent / "handlers_parcel.py")


def test_a_loop_that_lost_its_cancellation_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ending, "AGAIN", 0.01)
    lost = []

    async def hard_of_hearing() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        lost.append("once")
        await asyncio.Event().wait()

    async def story() -> None:
        task = asyncio.create_task(hard_of_hearing())
        await asyncio.sleep(0)
        await asyncio.wait_for(ending.end([task]), 60)
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

    monkeypatch.setattr(Queue, "claim", one_by_one)
    for n in range(5):
        parcels.create(f"p-{n}")
    worker = daemon.Daemon(app, daemon.Settings(parcels.dsn, poll=0.05, grace=0))
    run(worker)
    assert held(parcels) == []


@pytest.fixture
def killed() -> Iterator[list[int]]:
    """The signals that met no handler of a worker's."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    found: list[int] = []
    before = [signal.signal(number, lambda got, _: found.append(got)) for number in numbers]
    yield found
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("later", range(2, 8))
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_worker_that_has_not_reached_postgres_yet(
    killed: list[int], later: int, number: int
) -> None:
    async def story() -> None:
        _call_later(later, lambda: os.kill(os.getpid(), number))
        await asyncio.wait_for(nobody.run(), 60)

    nobody = daemon.Daemon(Worker(), daemon.Settings("postgresql://127.0.0.1:1/nothing"))
    asyncio.run(story())
    assert killed == []


def test_effects_are_given_back_over_another_connection_when_one_breaks(
    parcels: Parcels, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, broken = Queue.release, [psycopg.OperationalError("cut"), TimeoutError()]

    async def breaks(queue: Queue, claims: Sequence[Claim]) -> None:
        if broken:
            raise broken.pop()
        await release(queue, claims)

    monkeypatch.setattr(Queue, "release", breaks)
    run(stopped_by_its_handler(parcels))
    assert held(parcels) == []
    assert broken == []


def test_a_worker_ends_while_postgres_says_nothing(
    parcels: Parcels, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silence(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(daemon, "LEAVING", 0.05)
    for statement in ("release", "gone"):
        monkeypatch.setattr(Queue, statement, silence)
    run(stopped_by_its_handler(parcels))
    assert len(held(parcels)) == 1, "until its lease ends"


def test_a_handler_that_lost_its_cancellation_is_cancelled_again(
    parcels: Parcels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "LEAVING", 0.05)
    run(stopped_by_its_handler(parcels, hears_after=2))
    assert held(parcels) == []


def test_what_a_handler_goes_on_with_is_not_given_back(
    parcels: Parcels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "LEAVING", 0.05)
    monkeypatch.setattr(holding, "AGAIN", 0.05)
    stopped = stopped_by_its_handler(parcels, hears_after=3)
    run(stopped)  # the end of the event loop is the third time
    assert stopped.stubborn
    assert len(held(parcels)) == 1


def test_a_handler_that_takes_no_cancellation_does_not_hold_the_process(
    parcels: Parcels,
) -> None:
    parcels.connection.execute("select pawl.reset_clock()")
    parcels.create("stubborn-1")
    with worker(parcels.dsn, HANDLERS, "--grace", "0", LEAVING="0.05") as process:
        process.wait_for("claimed", instance="stubborn-1", effect="print_label")
        process.signal(signal.SIGTERM)
        process.wait_for("not_ended", handlers=1)
        assert process.end() == 0


def stopped_by_its_handler(parcels: Parcels, hears_after: int = 1) -> daemon.Daemon:
    """A worker without patience, and an effect whose handler stops it and then waits for ever: it
    ends at its so many-th cancellation."""
    app = Worker()

    @app.effect("print_label")
    async def print_label(task: Task, parcel: str) -> None:
        found.stop()
        for _ in range(hears_after - 1):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        await asyncio.Event().wait()

    parcels.create("p-1")
    found = daemon.Daemon(app, daemon.Settings(parcels.dsn, poll=0.05, grace=0))
    return found


def run(worker: daemon.Daemon) -> None:
    async def story() -> None:
        await asyncio.wait_for(worker.run(), 60)

    asyncio.run(story())


def held(parcels: Parcels) -> list[tuple[Any, ...]]:
    """The effects that somebody still holds."""
    query = "select effect_id from pawl.lease where worker is not null"
    return parcels.connection.execute(query).fetchall()


def _call_later(turns: int, call: Callable[[], None]) -> None:
    """Call it after so many turns of the event loop."""
    if turns == 0:
        call()
    else:
        asyncio.get_running_loop().call_soon(_call_later, turns - 1, call)
