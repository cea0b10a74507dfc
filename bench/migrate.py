"""Measure a migration of many running instances, and events that arrive meanwhile; see README.md.

In: nothing but the options. Out: a table, and on the last line one JSON object: instances a second,
the longest batch (no lock is held longer), and the latency of events before and meanwhile.

    python bench/migrate.py [--quick] [--instances N]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from pawl import embedded
from pawl.deploy import install
from pawl.deploy.deploy import deploy
from pawl.deploy.migration import Choice, batches
from pawlc.compile import compile_machine, earlier_version

V1 = """\
machine: parcel
version: 1
context: { weight: int not null, place: text }
input: [weight]
events: { push: {} }
authorize: {}
initial: here
states:
  here: { on: { push: there }, after: { 30 days: lost } }
  there: { on: { push: here }, after: { 30 days: lost } }
  lost: { type: final }
"""
SIZE = "case when old.weight > 5 then 'big' else 'small' end"
V2 = (
    V1.replace("version: 1", "version: 2")
    .replace("place: text }", "place: text, size: text }")
    .replace("initial:", f"migrate: {{ 1: {{ context: {{ size: {SIZE} }} }} }}\ninitial:")
)
SEND = """select send_event('parcel', %s, '{"type": "push"}')"""
SETTINGS = {"shared_buffers": "256MB", "max_wal_size": "16GB", "timezone": "UTC"}


def main() -> None:
    """Run the benchmark and print what it found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help="20,000 instances")
    options = parser.parse_args()
    instances = 20_000 if options.quick else options.instances
    with _server() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        _prepare(connection, instances)
        before = _meanwhile(dsn, instances, lambda: time.sleep(5 if options.quick else 20))
        taken: list[float] = []
        during = _meanwhile(dsn, instances, lambda: taken.extend(_migrate(connection)))
        row = connection.execute("select count(*) from pawl_parcel.instance where version = 2")
        assert row.fetchone() == (instances,)
    found = {
        "instances": instances,
        "instances_a_second": round(instances / sum(taken)),
        "longest_batch_ms": round(max(taken) * 1000, 1),
        **{f"before_{name}": value for name, value in _percentiles(before).items()},
        **{f"meanwhile_{name}": value for name, value in _percentiles(during).items()},
    }
    for name, value in found.items():
        print(f"{name:<24}{value:>12}")
    print(json.dumps(found))


@contextmanager
def _server() -> Iterator[str]:
    """A server with Pawl's runtime, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="pawl-bench-") as name:
        home = Path(name) / "server"
        try:
            yield embedded.start(home, settings=SETTINGS, auth="trust").dsn()
        finally:
            embedded.remove(home)


def _prepare(connection: psycopg.Connection, instances: int) -> None:
    install(connection)
    deploy(connection, compile_machine(V1, "parcel.machine.yaml"))
    before = earlier_version(V1, "parcel.machine.yaml")
    assert before is not None
    for start in range(0, instances, 10_000):
        connection.execute(
            "select count(create_instance('parcel', n::text, jsonb_build_object('weight', n %% 9)))"
            " from generate_series(%s::int, %s::int) n",
            (start, min(start + 9_999, instances - 1)),
        )
    deploy(connection, compile_machine(V2, "parcel.machine.yaml", earlier={1: before}))
    connection.execute("vacuum analyze")


def _migrate(connection: psycopg.Connection) -> Iterator[float]:
    """Migrate everything; the seconds of each batch."""
    begun = time.perf_counter()
    for _ in batches(connection, "parcel", (1, 2), Choice()):
        yield time.perf_counter() - begun
        begun = time.perf_counter()


def _meanwhile(dsn: str, instances: int, work: Callable[[], None]) -> list[float]:
    """The seconds of events that one client sends, one after another, while `work` lasts."""
    found: list[float] = []
    over = threading.Event()

    def send() -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            number = 0
            while not over.is_set():
                number = (number + 7919) % instances
                begun = time.perf_counter()
                connection.execute(SEND, (str(number),))
                found.append(time.perf_counter() - begun)

    sender = threading.Thread(target=send)
    sender.start()
    work()
    over.set()
    sender.join()
    return found


def _percentiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    at = {"p50_ms": 0.5, "p99_ms": 0.99}
    return {n: round(ordered[int(len(ordered) * p)] * 1000, 2) for n, p in at.items()}


if __name__ == "__main__":
    main()
