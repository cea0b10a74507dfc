"""What a worker holds: what it tells in which order, and an effect that it claims a second time."""

from __future__ import annotations

import asyncio

from pawl import Fatal, Task, Worker
from pawl.deploy.deploy import deploy
from pawl.worker import drain_sync
from pawl.worker.daemon import Daemon, Settings
from pawlc.compile import compile_machine
from tests.worker.conftest import PARCEL, Parcels


def test_snapshots_come_before_results_of_handlers_that_never_wait(parcels: Parcels) -> None:
    ids = [f"p-{n}" for n in range(5)]
    app, left = Worker(), set(ids)

    async def story() -> None:
        @app.effect("print_label")
        async def print_label(task: Task, parcel: str) -> None:
            task.snapshot({"printed": "all"})
            left.remove(parcel)
            if not left:
                daemon.stop()
            raise Fatal("jammed")

        daemon = Daemon(app, Settings(parcels.dsn, concurrency=len(ids), poll=0.05))
        await asyncio.wait_for(daemon.run(), 60)

    for id in ids:
        parcels.create(id)
    asyncio.run(story())
    assert [parcels.row(id)["label"] for id in ids] == ["all"] * len(ids)


def test_an_effect_whose_lease_ran_out_may_be_claimed_again_by_its_own_worker(
    parcels: Parcels,
) -> None:
    app, ended = Worker(), []

    async def story() -> None:
        @app.effect("print_label")
        async def print_label(task: Task, parcel: str) -> dict[str, str]:
            try:
                if task.attempt == 1:
                    parcels.pass_time("1 hour")
                    await asyncio.Event().wait()
                daemon.stop()
                return {"label": f"attempt {task.attempt}"}
            finally:
                ended.append(task.attempt)

        daemon = Daemon(app, Settings(parcels.dsn, poll=0.05))
        await asyncio.wait_for(daemon.run(), 60)

    parcels.create("p-1")
    asyncio.run(story())
    assert ended == [1, 2]
    assert parcels.row("p-1") == {"state": "packed", "label": "attempt 2", "failure": None}


def test_an_invoke_goes_on_after_a_snapshot_that_nothing_takes(
    parcels: Parcels,
) -> None:
    heard = "      onSnapshot: { assign: { label: \"event.snapshot->>'printed'\" } }\n"
    assert heard in PARCEL
    second = PARCEL.replace(heard, "").replace("version: 1", "version: 2")
    deploy(parcels.connection, compile_machine(second, "parcel.machine.yaml"))
    app = Worker()

    @app.effect("print_label")
    def print_label(task: Task, parcel: str) -> dict[str, str]:
        task.snapshot({"printed": "half"})
        return {"label": "whole"}

    parcels.create("p-1")
    assert [one.ended for one in drain_sync(app, parcels.dsn).effects] == ["applied"]
    assert parcels.row("p-1")["label"] == "whole"
