"""Measure what a chart's shape costs: parallel regions, and a thousand states.

In: nothing but the options. Out: a table, and on the last line one JSON object:

    ratio_parallel      an event of a machine with two parallel regions, divided by one of the flat
                        machine that behaves the same (its states are the pairs)         <= 1.3
    ratio_1000_states   an event of a flat machine of 1,000 states, divided by one of 10; instances
                        wait in ten states of either                                      <= 1.2
    ratio_cold          the same when every event finds a state that the session has not seen yet:
                        PL/pgSQL prepares each expression when it is first reached
    compile_s, deploy_s of the machine of 1,000 states; together                         <= 5
    first_call_ms, second_call_ms, backend_mb
                        of that machine in a new session: the first two events, and the memory that
                        the backend has more after them (pg_backend_memory_contexts)

Server CPU per event as in send_event.py, whose harness this is: one transaction each, a client's
claims, authorizers that only look at a claim. `ratio_parallel_1000` is a chart of 1,000 states in
two regions against the flat one of 1,000, for information.

    python bench/charts.py [--quick] [--orders N] [--repetitions N]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

import psycopg
from send_event import (
    CLIENT,
    LOGIN,
    SETTINGS,
    WARM_UP,
    Bench,
    Side,
    Step,
)
from servers import find_pgbench, own_server

from pawl.deploy import install
from pawl.deploy.deploy import deploy
from pawlc.compile import compile_machine

HEAD = """\
machine: {name}
version: 1
context:
  count: int not null default 0
events:
  left: {{}}
  right: {{}}
authorize:
  create: claims->>'sub' is not null
  read: claims->>'sub' is not null
  send:
    left, right: claims->>'sub' is not null
"""
CLAIMS = {"sub": "bench"}


@dataclass(frozen=True, slots=True)
class Chart:
    """A machine; `leaf` is SQL for the state in which the i-th instance waits."""

    name: str
    definition: str
    leaf: str

    def side(self) -> Side:
        """What send_event.py's harness drives."""
        return Side(
            name=self.name,
            call=f"send_event('{self.name}', :order, :event)",
            create=f"select count(create_instance('{self.name}', i::text, '{{}}'))"
            " from generate_series(1, %(orders)s) as i",
            fire="select 1",
            find="select 1",
            tables=f"pawl_{self.name}.instance",
        )


# --- the machines ---------------------------------------------------------------------------


def arc(event: str, target: str) -> str:
    """A transition that counts."""
    return f"{event}: {{ target: {target}, assign: {{ count: context.count + 1 }} }}"


def ring(name: str, size: int) -> Chart:
    """A flat machine: every event leads to the next state; instances wait in ten of them."""
    lines = [HEAD.format(name=name), "initial: s0", "states:"]
    for n in range(size):
        lines += [f"  s{n}:", "    on:"]
        lines += [f"      {arc(event, f's{(n + 1) % size}')}" for event in ("left", "right")]
    return Chart(name, "\n".join(lines), f"array['s' || i % 10 * {size // 10}]")


def regions(name: str, size: int) -> Chart:
    """Two regions of so many states, a ring each: `left` moves the first, `right` the second."""
    lines = [HEAD.format(name=name), "type: parallel", "states:"]
    for key, event in (("a", "left"), ("b", "right")):
        lines += [f"  {key}:", f"    initial: {key}0", "    states:"]
        for n in range(size):
            lines += [f"      {key}{n}:", "        on:"]
            lines += [f"          {arc(event, f'{key}{(n + 1) % size}')}"]
    leaf = f"array['a.a' || i % {size}, 'b.b' || i / {size} % {size}]"
    return Chart(name, "\n".join(lines), leaf)


def product(name: str, size: int) -> Chart:
    """The flat machine that behaves as `regions` of this size: a state for each pair."""
    lines = [HEAD.format(name=name), "initial: a0_b0", "states:"]
    for a in range(size):
        for b in range(size):
            lines += [f"  a{a}_b{b}:", "    on:"]
            lines += [f"      {arc('left', f'a{(a + 1) % size}_b{b}')}"]
            lines += [f"      {arc('right', f'a{a}_b{(b + 1) % size}')}"]
    return Chart(name, "\n".join(lines), f"array['a' || i % {size} || '_b' || i / {size} % {size}]")


FLAT, PARALLEL = product("flat", 3), regions("parallel", 3)
SMALL, LARGE = ring("small", 10), ring("large", 1000)
LARGE_PARALLEL = regions("large_parallel", 500)
CHARTS = (FLAT, PARALLEL, SMALL, LARGE, LARGE_PARALLEL)
EVENTS = tuple(Step({"type": event}, CLAIMS) for event in ("left", "right"))


# --- measuring ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Deployment:
    """How long a machine took, in seconds."""

    compile: float
    deploy: float


def put(admin: psycopg.Connection[Any], chart: Chart) -> Deployment:
    """Compile and deploy a machine."""
    began = time.perf_counter()
    compiled = compile_machine(chart.definition, f"{chart.name}.machine.yaml")
    between = time.perf_counter()
    deploy(admin, compiled)
    return Deployment(between - began, time.perf_counter() - between)


def populate(the_bench: Bench, chart: Chart) -> None:
    """Make the instances."""
    total = WARM_UP + the_bench.orders + 1
    the_bench.admin.execute(chart.side().create.encode(), {"orders": total})
    spread(the_bench, chart, chart.leaf)


def spread(the_bench: Bench, chart: Chart, leaf: str) -> None:
    """Put the i-th instance into the state that `leaf` tells."""
    total = WARM_UP + the_bench.orders + 1
    query = f"update pawl_{chart.name}.instance as o set state = {leaf}"
    query += f" from generate_series(1, {total}) as i where o.id = i::text"
    the_bench.admin.execute(query.encode())
    the_bench.admin.execute(f"vacuum (full, analyze) pawl_{chart.name}.instance".encode())


def measure(the_bench: Bench) -> dict[str, float]:
    """One repetition: the microseconds of server CPU of an event, by machine."""
    found: dict[str, list[float]] = {chart.name: [] for chart in CHARTS}
    for place, event in enumerate(EVENTS):
        for chart in CHARTS if place % 2 else CHARTS[::-1]:
            found[chart.name].append(the_bench.run(chart.side(), event))
            the_bench.admin.execute(f"vacuum pawl_{chart.name}.instance".encode())
    return {name: sum(each) / len(each) for name, each in found.items()}


def cold(the_bench: Bench) -> float:
    """The microseconds of an event when no two instances wait in one state."""
    spread(the_bench, LARGE, "array['s' || i % 1000]")
    return sum(the_bench.run(LARGE.side(), event) for event in EVENTS) / len(EVENTS)


@dataclass(frozen=True, slots=True)
class FirstCalls:
    """Of a new session: milliseconds of the first two events, and megabytes that they leave."""

    first: float
    second: float
    megabytes: float


def first_calls(dsn: str, chart: Chart) -> FirstCalls:
    """Send two events in a new session, in which nothing is cached."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        before = _memory(connection)
        times = []
        for _ in range(2):
            began = time.perf_counter()
            connection.execute("select send_event(%s, '1', '{\"type\": \"left\"}')", (chart.name,))
            times.append((time.perf_counter() - began) * 1000)
        return FirstCalls(times[0], times[1], (_memory(connection) - before) / 1e6)


def _memory(connection: psycopg.Connection[Any]) -> float:
    query = "select sum(total_bytes)::float8 from pg_backend_memory_contexts"
    row = connection.execute(query).fetchone()
    assert row is not None
    return float(row[0])


@contextmanager
def bench(orders: int) -> Iterator[Bench]:
    """A server with Pawl's runtime."""
    with (
        own_server(SETTINGS) as (server, folder),
        psycopg.connect(server.dsn(), autocommit=True) as admin,
    ):
        admin.execute(f"create role {CLIENT} nologin".encode())
        admin.execute(f"create role {LOGIN} login in role {CLIENT}".encode())
        install(admin)
        admin.execute("select pawl.init_roles(%s, %s)", ([CLIENT], [LOGIN]))
        yield Bench(server, admin, find_pgbench(server.bindir), folder, orders)


# --- the report -----------------------------------------------------------------------------


def report(
    repetitions: list[dict[str, float]], cold_us: float, large: Deployment, calls: FirstCalls
) -> dict[str, Any]:
    """Print a table; return the numbers of the last line."""
    cost = {chart.name: median(r[chart.name] for r in repetitions) for chart in CHARTS}
    for name, microseconds in cost.items():
        print(f"{name:<18}{microseconds:>10.1f} µs of server CPU an event")
    return {
        "ratio_parallel": round(cost["parallel"] / cost["flat"], 3),
        "ratio_1000_states": round(cost["large"] / cost["small"], 3),
        "ratio_cold": round(cold_us / cost["small"], 3),
        "ratio_parallel_1000": round(cost["large_parallel"] / cost["large"], 3),
        "compile_s": round(large.compile, 2),
        "deploy_s": round(large.deploy, 2),
        "first_call_ms": round(calls.first, 1),
        "second_call_ms": round(calls.second, 1),
        "backend_mb": round(calls.megabytes, 1),
        "repetitions": len(repetitions),
    }


def main() -> None:
    """Run the benchmark and print its report."""
    parser = argparse.ArgumentParser(description="what a chart's shape costs")
    parser.add_argument("--quick", action="store_true", help="about a minute, less exact")
    parser.add_argument("--orders", type=int, help="instances of each machine")
    parser.add_argument("--repetitions", type=int, help="how often everything is repeated")
    options = parser.parse_args()
    orders = options.orders or (1000 if options.quick else 3000)
    count = options.repetitions or (3 if options.quick else 7)
    found = []
    with bench(orders) as the_bench:
        deployed = {chart.name: put(the_bench.admin, chart) for chart in CHARTS}
        for chart in CHARTS:
            populate(the_bench, chart)
        calls = first_calls(the_bench.server.dsn(), LARGE)
        for number in range(count):
            print(f"\rrepetition {number + 1} of {count}", end="", file=sys.stderr, flush=True)
            found.append(measure(the_bench))
        cold_us = cold(the_bench)
        version = the_bench.admin.info.parameter_status("server_version")
    print("\r", end="", file=sys.stderr)
    numbers = report(found, cold_us, deployed[LARGE.name], calls)
    print(json.dumps(numbers | {"orders": orders, "server_version": version}))


if __name__ == "__main__":
    main()
