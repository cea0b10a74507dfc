"""Handlers that are not async: a thread for each, and what becomes of one that does not return."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from pawl import Worker
from pawl.deploy.deploy import deploy
from pawl.worker.daemon import Daemon, Settings, Stuck
from pawl.worker.threads import Threads
from pawlc.compile import compile_machine

HANGING = """\
machine: hanging
version: 1
authorize: {}
effects: { hang: { timeout: 50 ms, retry: { attempts: 1 } } }
initial: waiting
states:
  waiting:
    invoke: { src: hang, onError: failed }
  failed: {}
"""


def call(function: Callable[[], Any]) -> Any:
    return asyncio.run(Threads().call(function))


def test_what_a_call_returns_or_raises_comes_back() -> None:
    assert call(lambda: threading.current_thread().name) == "pawl-handler"
    with pytest.raises(ZeroDivisionError):
        call(lambda: 1 / 0)


def test_a_call_that_nobody_waits_for_is_left_until_it_returns() -> None:
    async def story() -> None:
        go, back = threading.Event(), asyncio.Event()
        threads = Threads(back.set)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(threads.call(go.wait), 0)
        assert threads.left == 0, "it had not begun"
        waiting = asyncio.create_task(threads.call(go.wait))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert threads.left == 1
        go.set()
        await asyncio.wait_for(back.wait(), 60)
        assert threads.left == 0

    asyncio.run(story())


def test_a_worker_all_of_whose_slots_are_kept_ends(
    connection: psycopg.Connection, database: str
) -> None:
    deploy(connection, compile_machine(HANGING, "hanging.machine.yaml"))
    for id in ("a", "b", "c"):
        connection.execute("select create_instance('hanging', %s)", (id,))
    app, go = Worker(), threading.Event()
    app.effect("hang")(lambda task: go.wait())
    settings = Settings(database, concurrency=2, stuck=0.1, poll=0.05)
    with pytest.raises(Stuck):
        asyncio.run(Daemon(app, settings).run())
    go.set()
    rows = connection.execute("select id, state[1] from pawl_hanging.instance order by id")
    assert rows.fetchall() == [("a", "failed"), ("b", "failed"), ("c", "waiting")]
    held = "select * from pawl.lease where worker is not null"
    assert connection.execute(held).fetchall() == [], "another may take the third"
