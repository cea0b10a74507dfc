"""Measure one send_event against the same work written by hand; see README.md beside this file.

In: nothing but the options. Out: a table of the events, and on the last line one JSON object whose
`ratio_hand_written` is the server CPU of an event through Pawl, divided by that of the hand-written
function. Both run interleaved on one server of the benchmark's own, driven by pgbench.

    python bench/send_event.py [--quick] [--orders N] [--repetitions N]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

import psycopg
from servers import find_pgbench, own_server

from pawl import embedded
from pawl.deploy import install
from pawl.deploy.deploy import deploy
from pawlc.compile import compile_machine

HERE = Path(__file__).parent
MACHINE = HERE.parent / "examples" / "food_delivery" / "order.machine.yaml"

# The same for both sides. Nobody waits for a disk, and nothing runs beside the measured backend.
SETTINGS = {
    "jit": "off",
    "autovacuum": "off",
    "synchronous_commit": "off",
    "fsync": "off",
    "shared_buffers": "256MB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "1d",
    "timezone": "UTC",
}

LOGIN, CLIENT = "bench_login", "bench_client"
CUSTOMER = "c0000000-0000-4000-8000-000000000001"
RESTAURANT = "b0000000-0000-4000-8000-000000000002"
COURIER = "d0000000-0000-4000-8000-000000000003"

WARM_UP = 100  # events before the measurement begins: caches and generic plans
ANSWER_SECONDS = 120

# One event of a client per transaction. At two of them the script waits for a lock that the
# benchmark holds, so that the backend's CPU time can be read while it stands still.
SCRIPT = """\
\\set order :order + 1
\\if :order = :first or :order = :last
select pg_advisory_xact_lock(:order);
\\endif
select {call};
"""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two implementations.

    `call` is measured. `create`, `fire` (the timer of `preparing`) and `find` (a courier) are the
    SQL of what happens to all orders before or between the measured events.
    """

    name: str
    call: str
    create: str
    fire: str
    find: str
    tables: str

    def work(self, name: Literal["fire", "find"]) -> str:
        """Return the SQL of a step between the measured events."""
        return self.fire if name == "fire" else self.find


@dataclass(frozen=True, slots=True)
class Step:
    """An event of a client, and which untimed step of the worker comes before it."""

    event: Mapping[str, Any]
    claims: Mapping[str, str]
    before: tuple[Literal["fire", "find"], ...] = ()


PAWL = Side(
    name="pawl",
    call="send_event('order', :order, :event)",
    create=f"""
        select count(create_instance('order', i::text, jsonb_build_object(
          'customer_id', '{CUSTOMER}', 'restaurant_id', '{RESTAURANT}', 'total', 10.50)))
        from generate_series(1, %(orders)s) as i""",
    fire="""
        update pawl.timer set due_at = now() where name = 'after.prep_time.preparing';
        do $do$ begin
          while pawl.fire_due_timers(1000) > 0 loop null; end loop;
        end $do$""",
    find=f"""
        select count(pawl.complete_effect(effect_id, token,
          case effect when 'find_courier' then '{{"courier_id": "{COURIER}"}}'::jsonb end))
        from pawl.claim_effects('bench', null, 1000000, '1 day')""",
    tables="pawl_order.instance, pawl.outbox, pawl.lease, pawl.effect_result, pawl.timer, "
    "pawl.journal",
)

HAND = Side(
    name="hand",
    call="hand.send_event(:order, :event)",
    create=f"""
        select count(hand.create_order(i::text, '{CUSTOMER}', '{RESTAURANT}', 10.50))
        from generate_series(1, %(orders)s) as i""",
    fire="select count(hand.prepared(id)) from hand.food_order",
    find=f"select count(hand.courier_found(id, '{COURIER}')) from hand.food_order",
    tables="hand.food_order, hand.outbox, hand.timer, hand.journal",
)


# The whole life of an order. `accept` sets a timer, `courier.decline` asks for an effect.
LIFE = (
    Step({"type": "accept", "prep_minutes": 20}, {"restaurant_id": RESTAURANT}),
    Step({"type": "courier.decline"}, {"sub": COURIER}, ("fire", "find")),
    Step({"type": "courier.accept"}, {"sub": COURIER}, ("find",)),
    Step({"type": "complete"}, {"sub": COURIER}),
)


# --- the CPU time of a backend --------------------------------------------------------------


def cpu_seconds(pid: int) -> float | None:
    """Return the CPU time, user and system, that a process has had; None where /proc is not.

    /proc/<pid>/schedstat has it in nanoseconds; utime + stime of /proc/<pid>/stat are the same
    time, rounded to clock ticks of mostly 10 ms. See proc(5).
    """
    try:
        nanoseconds = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
        if nanoseconds > 0:
            return nanoseconds / 1e9
    except OSError:
        pass
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- one run of pgbench ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bench:
    """A server with both sides on it."""

    server: embedded.Server
    admin: psycopg.Connection[Any]
    pgbench: str
    folder: Path
    orders: int

    def run(self, side: Side, step: Step) -> float:
        """Send one event to every order; return the microseconds of server CPU an event took."""
        first, last = WARM_UP + 1, WARM_UP + self.orders + 1
        for barrier in (first, last):
            self.admin.execute("select pg_advisory_lock(%s)", (barrier,))
        with self._pgbench(side, step, first, last) as process:
            before = self._at_barrier(process, first)
            after = self._at_barrier(process, last)
        if process.returncode != 0:
            raise SystemExit(f"pgbench failed: {(self.folder / 'pgbench.log').read_text()}")
        return (after - before) / self.orders * 1e6

    @contextmanager
    def _pgbench(
        self, side: Side, step: Step, first: int, last: int
    ) -> Iterator[subprocess.Popen[bytes]]:
        claims = json.dumps(step.claims, separators=(",", ":"))
        script = self.folder / f"{side.name}.pgbench"
        script.write_text(SCRIPT.format(call=side.call))
        variables = {"order": 0, "first": first, "last": last, "event": json.dumps(step.event)}
        command = [self.pgbench, "-n", "-M", "prepared", "-c", "1", "-t", str(last)]
        command += [f"-D{name}={value}" for name, value in variables.items()]
        command += ["-h", self.server.host, "-p", str(self.server.port), "-U", LOGIN]
        command += ["-f", str(script), self.admin.info.dbname]
        session = f"-c role={CLIENT} -c request.jwt.claims={claims}"
        with (self.folder / "pgbench.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                env=os.environ | {"PGOPTIONS": session, "PGSSLMODE": "disable"},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                yield process
                process.wait(ANSWER_SECONDS)
            finally:
                process.kill()
                process.wait()

    def _at_barrier(self, process: subprocess.Popen[bytes], barrier: int) -> float:
        """Wait until pgbench waits for a lock, read its backend's clock, and let it go."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while (pid := self._waiting(barrier)) is None:
            if process.poll() is not None or time.monotonic() > deadline:
                said = (self.folder / "pgbench.log").read_text()
                raise SystemExit(f"pgbench did not reach order {barrier}: {said}")
            time.sleep(0.02)
        clock = cpu_seconds(pid)
        if clock is None:
            clock = self._wall_seconds(pid, released=barrier == WARM_UP + 1)
        self.admin.execute("select pg_advisory_unlock(%s)", (barrier,))
        return clock

    def _waiting(self, barrier: int) -> int | None:
        row = self.admin.execute(
            "select pid from pg_locks where locktype = 'advisory' and objid = %s and not granted",
            (barrier,),
        ).fetchone()
        return None if row is None else int(row[0])

    def _wall_seconds(self, pid: int, released: bool) -> float:
        """The time of day: of now, when the backend goes on; else since when it stands still."""
        query = (
            "select extract(epoch from case when %s then clock_timestamp() else query_start end)"
            " from pg_stat_activity where pid = %s"
        )
        row = self.admin.execute(query, (released, pid)).fetchone()
        assert row is not None
        return float(row[0])

    def repetition(self) -> list[dict[str, float]]:
        """Take fresh orders through their whole life on both sides; return microseconds."""
        total = WARM_UP + self.orders + 1
        for side in (PAWL, HAND):
            self.admin.execute(f"truncate {side.tables}".encode())
            self.admin.execute(side.create.encode(), {"orders": total})
        found = []
        for place, step in enumerate(LIFE):
            for side in (PAWL, HAND):
                for work in step.before:
                    self.admin.execute(side.work(work).encode())
                self.admin.execute(f"vacuum (analyze) {side.tables}".encode())
            order = (PAWL, HAND) if place % 2 else (HAND, PAWL)
            found.append({side.name: self.run(side, step) for side in order})
        self._check_ends(total)
        return found

    def _check_ends(self, total: int) -> None:
        """Make sure that both sides did the work: every order is delivered."""
        delivered = self.admin.execute(
            "select (select count(*) from pawl_order.instance where state = '{delivered}'),"
            " (select count(*) from hand.food_order where status = 'delivered'),"
            " (select count(*) from pawl.journal), (select count(*) from hand.journal)"
        ).fetchone()
        if delivered != (total, total, 8 * total, 8 * total):
            raise SystemExit(f"not all {total} orders were delivered: {delivered}")


# --- the server -----------------------------------------------------------------------------


@contextmanager
def bench(orders: int) -> Iterator[Bench]:
    """Start a server, put both sides on it, remove it in the end."""
    with (
        own_server(SETTINGS) as (server, folder),
        psycopg.connect(server.dsn(), autocommit=True) as admin,
    ):
        _set_up(admin)
        yield Bench(server, admin, find_pgbench(server.bindir), folder, orders)


def _set_up(admin: psycopg.Connection[Any]) -> None:
    admin.execute(f"create role {CLIENT} nologin".encode())
    admin.execute(f"create role {LOGIN} login in role {CLIENT}".encode())
    install(admin)
    admin.execute("select pawl.init_roles(%s, %s)", ([CLIENT], [LOGIN]))
    deploy(admin, compile_machine(MACHINE.read_text("utf-8"), MACHINE.name))
    admin.execute((HERE / "hand_written.sql").read_bytes())
    admin.execute(f"grant usage on schema hand to {CLIENT}".encode())
    admin.execute(f"grant execute on function hand.send_event to {CLIENT}".encode())


# --- the report -----------------------------------------------------------------------------


def report(repetitions: list[list[dict[str, float]]]) -> dict[str, Any]:
    """Print the events' medians; return the numbers of the last line."""
    sums = {side: [sum(e[side] for e in r) / len(LIFE) for r in repetitions] for side in SIDES}
    print(f"{'event':<18}{'pawl':>10}{'by hand':>10}{'ratio':>8}   (µs of server {CLOCK})")
    for place, step in enumerate(LIFE):
        found = {side: median(r[place][side] for r in repetitions) for side in SIDES}
        _line(str(step.event["type"]), found)
    _line("mean of an event", {side: median(sums[side]) for side in SIDES})
    ratios = sorted(p / h for p, h in zip(sums["pawl"], sums["hand"], strict=True))
    return {
        "ratio_hand_written": round(median(sums["pawl"]) / median(sums["hand"]), 3),
        "ratio_lowest": round(ratios[0], 3),
        "ratio_highest": round(ratios[-1], 3),
        "pawl_us": round(median(sums["pawl"]), 2),
        "hand_written_us": round(median(sums["hand"]), 2),
        "measured": f"server {CLOCK}",
        "repetitions": len(repetitions),
    }


def _line(name: str, found: Mapping[str, float]) -> None:
    ratio = found["pawl"] / found["hand"]
    print(f"{name:<18}{found['pawl']:>10.1f}{found['hand']:>10.1f}{ratio:>8.3f}")


SIDES = (PAWL.name, HAND.name)
CLOCK = "wall time" if cpu_seconds(os.getpid()) is None else "CPU time"


def main() -> None:
    """Run the benchmark and print its report."""
    parser = argparse.ArgumentParser(description="one send_event against the same work by hand")
    parser.add_argument("--quick", action="store_true", help="under a minute, less exact")
    parser.add_argument("--orders", type=int, help="orders in each repetition")
    parser.add_argument("--repetitions", type=int, help="how often everything is repeated")
    options = parser.parse_args()
    orders = options.orders or (1000 if options.quick else 3000)
    count = options.repetitions or (5 if options.quick else 11)
    found = []
    with bench(orders) as the_bench:
        version = the_bench.admin.info.parameter_status("server_version")
        for number in range(count):
            print(f"\rrepetition {number + 1} of {count}", end="", file=sys.stderr, flush=True)
            found.append(the_bench.repetition())
    print("\r", end="", file=sys.stderr)
    numbers = report(found)
    settings = {"synchronous_commit": "off", "jit": "off", "autovacuum": "off"}
    print(json.dumps(numbers | {"orders": orders, "server_version": version, **settings}))


if __name__ == "__main__":
    main()
