"""A worker step by step: all that is due now, until nothing is left."""

from __future__ import annotations

import asyncio
import threading
from decimal import Decimal
from typing import Any

import pytest

from pawl import Fatal, RetryAfter, Task, Worker
from pawl.worker import drain, drain_sync
from tests.worker.conftest import Parcels


def printing(**outcome: Any) -> tuple[Worker, list[Task]]:
    """A worker whose label printer returns or raises what it is told; and the tasks it had."""
    app, tasks = Worker(), []

    @app.effect("print_label")
    async def print_label(task: Task, parcel: str, weight: Decimal) -> Any:
        tasks.append(task)
        if "raises" in outcome:
            raise outcome["raises"]
        return outcome.get("returns", {"label": f"{parcel}/{weight}"})

    return app, tasks


@pytest.mark.smoke
def test_a_result_moves_the_instance_on(parcels: Parcels) -> None:
    app, tasks = printing()
    parcels.create("p-1", weight=2.25)
    did = drain_sync(app, parcels.dsn)
    assert parcels.row("p-1") == {"state": "packed", "label": "p-1/2.25", "failure": None}
    assert [(one.claim.effect, one.ended) for one in did.effects] == [("print_label", "applied")]
    (task,) = tasks
    assert (task.id, task.machine, task.version, task.attempt, task.attempts) == (
        "p-1",
        "parcel",
        1,
        1,
        3,
    )
    assert task.idempotency_key.startswith("parcel/p-1/")


def test_what_a_handler_tells_while_it_works_comes_before_its_result(parcels: Parcels) -> None:
    app = Worker()

    @app.effect("print_label")
    def print_label(task: Task, parcel: str) -> None:
        task.snapshot({"printed": "half"})
        task.snapshot({"printed": "all"})
        raise Fatal("jammed")

    parcels.create("p-1")
    drain_sync(app, parcels.dsn)
    assert parcels.row("p-1") == {"state": "failed", "label": "all", "failure": "fatal"}


def test_it_can_be_awaited(parcels: Parcels) -> None:
    app, _ = printing()
    parcels.create("p-1")
    did = asyncio.run(drain(app, parcels.dsn))
    assert len(did.effects) == 1
    assert parcels.state("p-1") == "packed"


def test_an_effect_without_a_handler_is_left_alone(parcels: Parcels) -> None:
    parcels.create("p-1")
    assert drain_sync(Worker(), parcels.dsn).effects == []
    app, _ = printing()
    assert [one.claim.effect for one in drain_sync(app, parcels.dsn).effects] == ["print_label"]


def test_what_raises_is_tried_again_after_its_backoff_and_then_is_an_error(
    parcels: Parcels,
) -> None:
    app, tasks = printing(raises=OSError("no paper"))
    parcels.create("p-1")
    assert [one.ended for one in drain_sync(app, parcels.dsn).effects] == ["retried"]
    for ended in ("retried", "exhausted"):
        assert parcels.state("p-1") == "packing"
        parcels.pass_time("10 minutes")
        assert [one.ended for one in drain_sync(app, parcels.dsn).effects] == [ended]
    assert parcels.row("p-1") == {"state": "failed", "label": None, "failure": "OSError"}
    assert [task.attempt for task in tasks] == [1, 2, 3]
    assert len({task.idempotency_key for task in tasks}) == 1


def test_fatal_is_not_tried_again(parcels: Parcels) -> None:
    app, tasks = printing(raises=Fatal("no such printer", code="gone"))
    parcels.create("p-1")
    assert [one.ended for one in drain_sync(app, parcels.dsn).effects] == ["exhausted"]
    assert parcels.row("p-1")["failure"] == "gone"
    assert len(tasks) == 1


def test_retry_after_is_a_failed_attempt_and_the_next_begins_no_sooner(parcels: Parcels) -> None:
    app, tasks = printing(raises=RetryAfter(3600))
    parcels.create("p-1")
    assert [one.ended for one in drain_sync(app, parcels.dsn).effects] == ["retried"]
    parcels.pass_time("59 minutes")
    assert drain_sync(app, parcels.dsn).effects == []
    parcels.pass_time("1 minute")
    assert [one.ended for one in drain_sync(app, parcels.dsn).effects] == ["retried"]
    assert [task.attempt for task in tasks] == [1, 2]


def test_the_trace_of_an_event_reaches_its_effect_and_the_effects_of_that(
    parcels: Parcels,
) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    app, _ = printing()
    app.effect("tell")(lambda task, label: None)
    with parcels.connection.transaction():
        parcels.connection.execute("select set_config('pawl.traceparent', %s, true)", (trace,))
        parcels.create("p-1")
    did = drain_sync(app, parcels.dsn)
    first, second = (one.claim.trace for one in did.effects)
    assert first == trace
    assert second is not None
    assert second.split("-")[1] == trace.split("-")[1]


def test_a_result_that_json_cannot_say_is_fatal(parcels: Parcels) -> None:
    app, tasks = printing(returns={1, 2})
    parcels.create("p-1")
    drain_sync(app, parcels.dsn)
    assert parcels.row("p-1")["failure"] == "bad_output"
    assert len(tasks) == 1


def test_a_result_that_is_too_large_is_fatal(parcels: Parcels) -> None:
    app, _ = printing(returns={"label": "x" * 1_100_000})
    parcels.create("p-1")
    assert [one.ended for one in drain_sync(app, parcels.dsn).effects] == ["refused"]
    assert parcels.row("p-1")["failure"] == "too_large"


def test_an_input_that_does_not_fit_is_fatal(parcels: Parcels) -> None:
    app = Worker()

    @app.effect("print_label")
    def print_label(task: Task, colour: str) -> None: ...

    parcels.create("p-1")
    drain_sync(app, parcels.dsn)
    assert parcels.row("p-1")["failure"] == "bad_input"


def test_a_handler_that_is_not_async_runs_in_a_thread(parcels: Parcels) -> None:
    app, threads = Worker(), []

    @app.effect("print_label")
    def print_label(task: Task, parcel: str) -> dict[str, str]:
        threads.append(threading.current_thread().name)
        return {"label": parcel}

    parcels.create("p-1")
    drain_sync(app, parcels.dsn)
    assert parcels.state("p-1") == "packed"
    assert threads[0].startswith("pawl-handler")


@pytest.mark.parametrize("is_async", [True, False])
def test_a_handler_that_does_not_end_in_time_has_failed_and_is_told(
    parcels: Parcels, is_async: bool
) -> None:
    app, told = Worker(), threading.Event()

    async def waits(task: Task) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            told.set()

    def asks(task: Task) -> None:
        if task.wait_cancelled(60):
            told.set()

    app.effect("print_label")(waits if is_async else asks)
    parcels.connection.execute("update pawl.effect_policy set timeout = '50 ms'")
    parcels.create("p-1")
    (one,) = drain_sync(app, parcels.dsn).effects
    assert one.outcome.code == "timeout"  # type: ignore[union-attr]
    assert one.ended == "retried"
    assert told.wait(60)


@pytest.mark.parametrize("is_async", [True, False])
def test_a_cancellation_that_nobody_asked_for_is_a_failure_like_any_other(
    parcels: Parcels, is_async: bool
) -> None:
    app = Worker()

    async def waits(task: Task) -> None:
        part = asyncio.create_task(asyncio.sleep(60))
        part.cancel()
        await part

    def raises(task: Task) -> None:
        raise asyncio.CancelledError

    app.effect("print_label")(waits if is_async else raises)
    parcels.create("p-1")
    (one,) = drain_sync(app, parcels.dsn).effects
    assert one.outcome.code == "CancelledError"  # type: ignore[union-attr]
    assert one.ended == "retried"


def test_due_timers_fire_and_later_ones_stay(parcels: Parcels) -> None:
    parcels.create("p-1")
    assert drain_sync(Worker(), parcels.dsn).timers == 0
    parcels.pass_time("1 day")
    assert drain_sync(Worker(), parcels.dsn).timers == 1
    assert parcels.state("p-1") == "cancelled"


def test_the_whole_chain_runs_in_one_drain(parcels: Parcels) -> None:
    app, _ = printing()
    told: list[str] = []

    @app.effect("tell")
    def tell(task: Task, label: str) -> None:
        told.append(label)

    for id in ("p-1", "p-2"):
        parcels.create(id)
    drain_sync(app, parcels.dsn)
    assert sorted(told) == ["p-1/1.50", "p-2/1.50"]


def test_one_effect_has_one_handler() -> None:
    app, _ = printing()
    with pytest.raises(ValueError, match='"print_label" has a handler already'):
        app.effect("print_label")(lambda task: None)
    other, _ = printing()
    with pytest.raises(ValueError, match="two handlers for the same effect: print_label"):
        app.include(other)
