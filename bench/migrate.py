"""Measure a migration of many running instances, and events that arrive meanwhile; see README.md.

In: nothing but the options. Out: a table, and on the last line one JSON object: instances a second,
the longest batch (no lock is held longer), the latency of events before and meanwhile, and how much
memory the migrating process and its backend have taken, at a tenth of the way and at the end. Every
instance has a timer that goes on under another name.

    python bench/migrate.py [--quick] [--instances N] [--rate N]
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from servers import own_server

from pawl.deploy import install
from pawl.deploy.deploy import deploy
from pawl.deploy.migration import BATCH, RATE, Choice, batches
from pawl.deploy.timer_index import timer_index
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
MIGRATE = f"migrate: {{ 1: {{ states: {{ here: near }}, context: {{ size: {SIZE} }} }} }}"
V2 = (
    V1.replace("version: 1", "version: 2")
    .replace("place: text }", "place: text, size: text }")
    .replace("here", "near")
    .replace("tnear", "there")
    .replace("initial:", f"{MIGRATE}\ninitial:")
)
SEND = """select send_event('parcel', %s, '{"type": "push"}')"""
SETTINGS = {"shared_buffers": "256MB", "max_wal_size": "16GB", "timezone": "UTC"}


def main() -> None:
    """Run the benchmark and print what it found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help="20,000 instances")
    parser.add_argument("--rate", type=int, default=RATE, help="instances a second; 0: any number")
    options = parser.parse_args()
    instances = 20_000 if options.quick else options.instances
    with (
        own_server(SETTINGS) as (server, _),
        psycopg.connect(server.dsn(), autocommit=True) as connection,
    ):
        dsn = server.dsn()
        _prepare(connection, instances)
        before = _meanwhile(dsn, instances, lambda: time.sleep(5 if options.quick else 20))
        taken: list[float] = []
        memory: list[tuple[float, float]] = []
        begun = time.perf_counter()
        during = _meanwhile(
            dsn, instances, lambda: _migrate(connection, instances, options.rate, taken, memory)
        )
        seconds = time.perf_counter() - begun
        row = connection.execute("select count(*) from pawl_parcel.instance where version = 2")
        assert row.fetchone() == (instances,)
    found = {
        "instances": instances,
        "rate": options.rate,
        "instances_a_second": round(instances / seconds),
        "busy_share": round(sum(taken) / seconds, 2),
        "longest_batch_ms": round(max(taken) * 1000, 1),
        "client_mb_early": memory[0][0],
        "client_mb_late": memory[-1][0],
        "backend_mb_early": memory[0][1],
        "backend_mb_late": memory[-1][1],
        **{f"before_{name}": value for name, value in _percentiles(before).items()},
        **{f"meanwhile_{name}": value for name, value in _percentiles(during).items()},
    }
    for name, value in found.items():
        print(f"{name:<24}{value:>12}")
    print(json.dumps(found))


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


def _migrate(
    connection: psycopg.Connection,
    instances: int,
    rate: int,
    taken: list[float],
    memory: list[tuple[float, float]],
) -> None:
    """Migrate everything as `pawl migrate` does; note the seconds of each batch, and the memory."""
    row = connection.execute("select pg_backend_pid()").fetchone()
    backend = int(row[0]) if row else 0
    with timer_index(connection, "parcel", [(1, 2)]):
        begun = time.perf_counter()
        for batch in batches(connection, "parcel", (1, 2), Choice()):
            taken.append(time.perf_counter() - begun)
            if len(taken) * BATCH in (instances // 10, instances):
                memory.append((_megabytes(os.getpid()), _megabytes(backend)))
            if rate:
                time.sleep(max(0.0, len(batch) / rate - taken[-1]))
            begun = time.perf_counter()


def _megabytes(process: int) -> float:
    """What a process has taken of its own, without what it shares, at this moment."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


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
