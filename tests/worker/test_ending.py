"""A worker's loops end when they are told to, even if one of them did not hear it."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from pawl.worker import daemon


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
