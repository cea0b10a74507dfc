"""What a handler says that Postgres cannot hold: told as an error, once, and nobody else waits."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from pawl import Fatal, RetryAfter, Task, Worker
from pawl.worker import queue
from pawl.worker.daemon import Daemon, Settings
from pawl.worker.queue import Queue, configure
from tests.worker.conftest import Parcels

NUL, HALF, HUGE = "a\0b", "\ud83d", Decimal("1e200000")


def perform(parcels: Parcels, bad: str) -> list[int]:
    """Run a worker over the parcels "bad" and "good", once each; the attempts at "bad", whose
    handler does what `HANDLERS` says."""
    app, attempts, ended = Worker(), [], set()

    async def story() -> None:
        @app.effect("print_label")
        async def print_label(task: Task, parcel: str) -> Any:
            ended.add(parcel)
            if len(ended) == 2:
                daemon.stop()
            if parcel == "good":
                return {"label": "printed"}
            attempts.append(task.attempt)
            return HANDLERS[bad](task)

        daemon = Daemon(app, Settings(parcels.dsn, concurrency=2, poll=0.05))
        await asyncio.wait_for(daemon.run(), 60)

    for id in ("bad", "good"):
        parcels.create(id)
    asyncio.run(story())
    assert parcels.row("good")["label"] == "printed", "what ends beside it is stored"
    return attempts


def raise_(error: Exception) -> Any:
    raise error


HANDLERS = {
    "returns a NUL": lambda _: {"label": NUL},
    "returns a key with a NUL": lambda _: {NUL: 1},
    "returns half a pair": lambda _: {"label": HALF},
    "returns a huge number": lambda _: {"label": HUGE},
    "raises a NUL": lambda _: raise_(Fatal(NUL, code=NUL)),
    "raises half a pair": lambda _: raise_(Fatal(HALF, code="half")),
    "raises data with a NUL": lambda _: raise_(Fatal("jammed", code="jam", data=NUL)),
    "raises data that is no JSON": lambda _: raise_(Fatal("jammed", code="jam", data={1, 2})),
    "raises a huge number": lambda _: raise_(Fatal("jammed", code="jam", data=HUGE)),
    "publishes a NUL": lambda task: task.snapshot({"printed": NUL}),
    "publishes a huge number": lambda task: task.snapshot({"printed": HUGE}),
    "raises ValueError": lambda _: raise_(ValueError(NUL)),
    "asks for a delay that is none": lambda _: raise_(RetryAfter("soon")),  # type: ignore[arg-type]
    "asks for a delay beyond all times": lambda _: raise_(RetryAfter(8e13)),
}


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ("returns a NUL", "bad_output"),
        ("returns a key with a NUL", "bad_output"),
        ("returns half a pair", "bad_output"),
        ("returns a huge number", "bad_output"),
        ("raises a NUL", "a\\x00b"),
        ("raises half a pair", "half"),
        ("raises data with a NUL", "jam"),
        ("raises data that is no JSON", "jam"),
        ("raises a huge number", "bad_error"),
    ],
)
def test_an_effect_fails_at_once_and_says_why(parcels: Parcels, bad: str, code: str) -> None:
    assert perform(parcels, bad) == [1]
    assert parcels.row("bad") == {"state": "failed", "label": None, "failure": code}


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("publishes a NUL", "Postgres stores no text with a NUL character"),
        ("raises ValueError", "a\\x00b"),
        ("asks for a delay that is none", "RetryAfter cannot be told"),
        ("asks for a delay beyond all times", "asked to try again later (timestamp out of range)"),
    ],
)
def test_an_attempt_fails_and_its_policy_says_what_follows(
    parcels: Parcels, bad: str, words: str
) -> None:
    assert perform(parcels, bad) == [1]
    waits = parcels.connection.execute(
        "select state, reason from pawl.effect_status where id = 'bad'"
    ).fetchone()
    assert waits is not None
    assert waits[0] == "backing off"
    assert words in waits[1]


def test_a_snapshot_that_the_database_refuses_is_dropped(parcels: Parcels) -> None:
    perform(parcels, "publishes a huge number")
    assert parcels.state("bad") == "packed"


def test_a_backend_that_does_not_answer_is_left(
    parcels: Parcels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "ANSWER", 0.2)

    async def story() -> None:
        pool = AsyncConnectionPool(parcels.dsn, min_size=1, open=False, configure=configure)
        async with pool:
            ours = Queue(pool.connection, "one", ["print_label"])
            with psycopg.connect(parcels.dsn) as other:
                other.execute("lock table pawl.message")
                with pytest.raises(TimeoutError):
                    await ours.deliver_messages()
            assert await ours.deliver_messages() == 0

    asyncio.run(story())
