"""`pawl demo upgrade`: running orders go from version 1 to 3 while people and a worker go on.

In: the address of an empty database. Out: what was counted, from three sides that know nothing of
each other: what the senders were told, what the journal has, what the handlers wrote down.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from pawl.demo import performing
from pawl.demo.cast import BISTRO, ann
from pawl.demo.clients import Sent, sending
from pawl.demo.setting import VERSIONS, definition
from pawl.deploy import install, migration
from pawl.deploy.deploy import deploy
from pawl.deploy.migration import Choice
from pawlc.compile import Earlier, compile_machine, earlier_version

ORDERS = 3000
RATE = 1000
"""Instances that are migrated in a second, so that there is something to see."""
PATIENCE = 120.0  # seconds for the worker to perform what is left
PAWL = (sys.executable, "-c", "from pawl.cli import main; main()")

CREATE = """\
select count(create_instance('order', 'o-' || n, jsonb_build_object(
  'customer_id', %(customer)s::text, 'restaurant_id', %(restaurant)s::text,
  'total', 10 + n %% 90)))
from generate_series(%(first)s::int, %(last)s::int) as n"""
ACCEPT = """\
select count(send_event('order', 'o-' || n,
  jsonb_build_object('type', 'accept', 'prep_minutes', %(minutes)s::int)))
from generate_series(%(first)s::int, %(last)s::int) as n"""
EVENTS = """\
select j.event ->> 'type', count(*) from pawl.journal as j
where j.machine = 'order' and j.source is null
group by 1"""
MOVED = """\
select count(*) from pawl.journal as j
where j.machine = 'order' and j.event ->> 'type' = 'pawl.migrate' and j.version = %s"""
LEFT = """\
select count(*) from pawl_order.instance as i
where i.status in ('running', 'paused') and i.version <> %s"""
OPEN = """\
select count(*) from pawl.effect_status as s where s.state not in ('done', 'failed', 'cancelled')"""
ENDED = "select s.effect_id from pawl.effect_status as s where s.state in ('done', 'failed')"

Watch = Callable[[str, int, int], None]
"""Told how far something is: what, how much of how many."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What happened. `lost` and `taken_twice`: events against the journal; `refused`: wrongly."""

    orders: int
    moved: tuple[int, ...]
    left: int
    migrating: float
    events: int
    refused: tuple[str, ...]
    lost: int
    taken_twice: int
    effects: int
    not_performed: int
    sent_twice: int

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost, refused, left behind or done twice."""
        wrong = (self.left, self.lost, self.taken_twice, self.not_performed, self.sent_twice)
        return not any(wrong) and not self.refused


def play(dsn: str, watch: Watch, orders: int = ORDERS, rate: int = RATE) -> Counted:
    """Run it in an empty database, as its superuser.

    Raises TimeoutError if the worker ends or hangs.
    """
    with (
        tempfile.TemporaryDirectory(prefix="pawl-demo-") as folder,
        psycopg.connect(dsn, autocommit=True) as connection,
    ):
        ledger = Path(folder) / "ledger"
        install(connection)
        versions = _Versions()
        versions.deploy(connection, 1)
        with _worker(dsn, ledger) as worker:
            ids = _orders(connection, orders, watch)
            before = _journalled(connection)
            begun = time.monotonic()
            with sending(dsn, ids) as sent:
                for version in (2, 3):
                    versions.deploy(connection, version)
                    _migrate(connection, version, rate, watch)
                took = time.monotonic() - begun
            _finish(connection, worker, watch)
        return _count(connection, orders, sent, before, took, ledger)


class _Versions:
    """The example's versions, each compiled against those before it."""

    def __init__(self) -> None:
        self._earlier: dict[int, Earlier] = {}

    def deploy(self, connection: psycopg.Connection, version: int) -> None:
        text = definition(version).read_text("utf-8")
        name = VERSIONS[version - 1]
        deploy(connection, compile_machine(text, name, earlier=dict(self._earlier)))
        known = earlier_version(text, name)
        assert known is not None, "it has just been compiled"
        self._earlier[version] = known


def _orders(connection: psycopg.Connection, orders: int, watch: Watch) -> list[str]:
    """Create the orders: of ten, four wait for a courier, three are being cooked, three are new."""
    people = {"customer": ann.id, "restaurant": BISTRO}
    for first in range(1, orders + 1, 100):
        last = min(first + 99, orders)
        connection.execute(CREATE, {"first": first, "last": last, **people})
        cooking = first + (last - first + 1) * 7 // 10 - 1
        ready = first + (last - first + 1) * 4 // 10 - 1
        connection.execute(ACCEPT, {"first": first, "last": ready, "minutes": 1})
        connection.execute(ACCEPT, {"first": ready + 1, "last": cooking, "minutes": 45})
        watch("orders of version 1", last, orders)
    connection.execute("select pawl.advance_clock('1 minute')")  # the food of four is ready
    return [f"o-{number}" for number in range(1, orders + 1)]


def _migrate(connection: psycopg.Connection, to: int, rate: int, watch: Watch) -> None:
    """Move every running order to a version, batch by batch."""
    step = (to - 1, to)
    total, done = migration.waiting(connection, "order", to - 1), 0
    for batch in migration.batches(connection, "order", step, Choice()):
        done += len(batch)
        watch(f"to version {to}", done, max(total, done))
        time.sleep(len(batch) / rate)
    watch(f"to version {to}", done, done)


def _finish(connection: psycopg.Connection, worker: subprocess.Popen[bytes], watch: Watch) -> None:
    """Wait until the worker has performed all that was asked for."""
    most, end = 0, time.monotonic() + PATIENCE
    while left := _one(connection, OPEN):
        if worker.poll() is not None or time.monotonic() > end:
            raise TimeoutError(f"the worker has not performed {left} effects")
        most = max(most, left)
        watch("effects that are left", most - left, most)
        time.sleep(0.2)


def _count(
    connection: psycopg.Connection,
    orders: int,
    sent: Sent,
    before: Counter[str],
    took: float,
    ledger: Path,
) -> Counted:
    journalled = _journalled(connection)
    journalled.subtract(before)
    calls = [json.loads(line) for line in ledger.read_text("utf-8").splitlines()]
    ended = {effect_id for (effect_id,) in connection.execute(ENDED)}
    return Counted(
        orders=orders,
        moved=tuple(_one(connection, MOVED, to) for to in (2, 3)),
        left=_one(connection, LEFT, 3),
        migrating=took,
        events=sent.taken.total(),
        refused=tuple(sent.refused),
        lost=(sent.taken - journalled).total(),
        taken_twice=sum(max(journalled[t] - n, 0) for t, n in sent.taken.items()),
        effects=len(calls),
        not_performed=len(ended - {call["effect_id"] for call in calls}),
        sent_twice=sent_twice(calls),
    )


def _journalled(connection: psycopg.Connection) -> Counter[str]:
    """How many events of each type the journal has that somebody sent."""
    return Counter({type: int(count) for type, count in connection.execute(EVENTS)})


def sent_twice(calls: list[dict[str, Any]]) -> int:
    """How many calls of handlers did what another had done.

    Work is told by what it is in every version: a field that came later makes no other work.

    >>> one = {"effect": "find_courier", "id": "o-1", "input": {"exclude": []}}
    >>> again = {**one, "input": {"exclude": [], "buys": False}}
    >>> sent_twice([one, again, {**one, "input": {"exclude": ["c-1"]}}])
    1
    """
    works = {
        (call["effect"], call["id"], call["input"].get("courier_id"), str(excluded))
        for call in calls
        for excluded in [call["input"].get("exclude")]
    }
    return len(calls) - len(works)


def _one(connection: psycopg.Connection, query: str, *values: Any) -> int:
    row = connection.execute(query.encode(), values or None).fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def _worker(dsn: str, ledger: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process with the example's handlers, ended as an operator would end it."""
    ledger.touch()
    process = subprocess.Popen(
        [*PAWL, "worker", performing.__name__, "--dsn", dsn, "--concurrency", "20"],
        env={**os.environ, performing.LEDGER: str(ledger)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
