"""The loops wait for each other before the worker sleeps, and nothing that comes is missed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, cast

import pytest

from pawl.worker.app import Worker
from pawl.worker.counts import Counts
from pawl.worker.doorbell import Deaf, Doorbell
from pawl.worker.holding import Holding
from pawl.worker.queue import Queue
from pawl.worker.task import Task
from pawl.worker.waking import Keeper, Waking
from tests.worker.test_http_effect import task


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, 60))


async def looks(waking: Waking, loop: str, finds: list[int], seen: list[str]) -> None:
    """A loop that finds something as often as `finds` has something."""
    while True:
        await asyncio.sleep(0)
        seen.append(loop)
        if finds:
            finds.pop()
            waking.found(loop)
        else:
            await waking.nothing(loop)


def test_nobody_looks_once_all_have_found_nothing() -> None:
    async def story() -> None:
        waking, seen = Waking(("a", "b")), list[str]()
        loops = [asyncio.create_task(looks(waking, n, f, seen)) for n, f in (("a", [1]), ("b", []))]
        await waking.nobody_looks()
        assert seen.count("a") >= 2
        assert seen.count("b") >= 1
        for loop in loops:
            loop.cancel()

    run(story())


def test_the_last_look_asks_every_loop_and_tells_what_it_found() -> None:
    async def story() -> None:
        waking, seen, finds = Waking(("a", "b")), list[str](), list[int]()
        loops = [
            asyncio.create_task(looks(waking, name, f, seen))
            for name, f in (("a", []), ("b", finds))
        ]
        await waking.nobody_looks()
        seen.clear()
        assert not await waking.look_again()
        assert sorted(seen) == ["a", "b"]
        finds.append(1)
        assert await waking.look_again()
        assert finds == []
        for loop in loops:
            loop.cancel()

    run(story())


def test_a_loop_that_is_away_is_not_waited_for_and_hears_of_it_later() -> None:
    async def story() -> None:
        waking = Waking(("a",))
        waking.away("a")
        assert not await waking.look_again()
        await waking.nothing("a")  # it was stirred while it was away: it looks once more

    run(story())


def test_a_session_that_heard_nothing_is_tried_again_soon_and_then_ever_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    polled: list[float] = []
    hears = iter([*[False] * 8, True, False, False])

    async def poll(keeper: Keeper, seconds: float) -> None:
        polled.append(seconds)

    async def listen(keeper: Keeper, bell: Doorbell) -> None: ...

    async def open(dsn: str, queue: Queue) -> Doorbell:
        if not next(hears):
            raise Deaf("silence")
        return cast(Doorbell, None)

    async def story() -> None:
        keeper = Keeper(Waking(("a",)), cast(Queue, None), Counts(), "somewhere", 0.25)
        with pytest.raises(RuntimeError, match="StopIteration"):
            await keeper.run()

    for place, name, instead in (
        (Keeper, "_poll", poll),
        (Keeper, "_listen", listen),
        (Doorbell, "open", open),
    ):
        monkeypatch.setattr(place, name, instead)
    run(story())
    assert polled == [1, 2, 4, 8, 16, 32, 60, 60, 1, 2]


def test_leases_are_renewed_at_a_third_of_the_shortest_time() -> None:
    def holding(*tasks: Task) -> Holding:
        found = Holding(Worker(), cast(Queue, None), Counts(), 1)
        found._held = dict(enumerate(tasks))
        return found

    lease = timedelta(seconds=30)
    assert holding().renewal(lease) == 10
    assert holding(task()).renewal(lease) == 10
    beating = Task(task().claim._replace(heartbeat=timedelta(seconds=6)))
    assert holding(task(), beating).renewal(lease) == 2
