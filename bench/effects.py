"""Measure the queue of effects: dispatch, an old snapshot, the doorbell, timers; see README.md.

In: nothing but the options. Out: a table, and on the last line one JSON object of ratios. All on
one server of the benchmark's own. Others do the same job too (peers.py): the benchmark installs
them into a virtual environment of its own, beside it.

    python bench/effects.py [--quick]
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
from servers import find_pgbench, own_server

from pawl import embedded
from pawl.deploy import install
from pawl.deploy.deploy import deploy
from pawlc.compile import compile_machine

# A machine that asks for one effect at every event, and for nobody's result.
BELL = """\
machine: bell
version: 1
events: { ring: { n: int } }
authorize: {}
effects: { ring: {} }
initial: hung
states:
  hung: { on: { ring: { actions: { effect: ring, input: { n: event.n } } } } }
"""

SETTINGS = {
    "jit": "off",
    "shared_buffers": "256MB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "1d",
    "timezone": "UTC",
}

HERE = Path(__file__).parent
PEERS = ("procrastinate", "absurd", "dbos")
PACKAGES = (
    "procrastinate==3.*",
    "absurd-sdk==0.5.*",
    "absurdctl==0.5.*",
    "dbos==3.*",
    "psycopg[binary]",
)

BATCH = 100
INSTANCES = 20_000
TABLES = "pawl.outbox, pawl.lease, pawl.effect_result, pawl.timer, pawl.message, pawl.journal"

FILL = """
insert into pawl.outbox (machine, version, iid, id, seq, effect, input, created_at)
select 'bell', 1, 1, '1', n, 'ring', '{"n": 1}', pawl.now() from generate_series(1, %s) as n"""

TIMERS = f"""
insert into pawl.timer (machine, iid, name, seq, due_at)
select 'bell', 1 + n %% {INSTANCES}, 'after', 0, pawl.now() from generate_series(1, %s) as n"""

MESSAGES = f"""
insert into pawl.message
  (sender_machine, sender_iid, sender_id, sender_seq, due_at, kin, machine, id, event)
select 'bell', 1 + n %% {INSTANCES}, (1 + n %% {INSTANCES})::text, n, pawl.now(), true, 'bell',
  (1 + n %% {INSTANCES})::text, '{{"type": "ring", "n": 1}}'
from generate_series(1, %s) as n"""

CLAIM = "select effect_id, token from pawl.claim_effects('bench', '{ring}', %s, %s)"
COMPLETE = "select count(*) from pawl.complete_effects(%s, %s, %s::jsonb[])"


@dataclass(frozen=True, slots=True)
class Bench:
    """A server with the machine on it, and how much of everything is measured."""

    server: embedded.Server
    admin: psycopg.Connection[Any]
    pgbench: str
    folder: Path
    effects: int
    repetitions: int


# --- dispatch --------------------------------------------------------------------------------


def drain(bench: Bench, lease: str = "1 minute") -> list[float]:
    """Claim and complete all effects in batches; return the effects per second of each tenth."""
    bench.admin.execute(f"truncate {TABLES}".encode())
    bench.admin.execute(FILL.encode(), (bench.effects,))
    bench.admin.execute("analyze pawl.outbox")
    rates: list[float] = []
    done, began = 0, time.perf_counter()
    while claims := bench.admin.execute(CLAIM.encode(), (BATCH, lease)).fetchall():
        ids, tokens = ([claim[place] for claim in claims] for place in (0, 1))
        bench.admin.execute(COMPLETE.encode(), (ids, tokens, ["1"] * len(claims)))
        done += len(claims)
        if done >= (len(rates) + 1) * bench.effects / 10:
            now = time.perf_counter()
            rates.append(bench.effects / 10 / (now - began))
            began = now
    assert done == bench.effects
    return rates


@contextmanager
def old_snapshot(bench: Bench) -> Iterator[None]:
    """Hold a snapshot, so that nothing that dies from now on can be removed."""
    with psycopg.connect(bench.server.dsn()) as other:
        other.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        other.execute("select count(*) from pg_namespace")
        yield


# --- the same job by others ------------------------------------------------------------------


def peers(bench: Bench) -> dict[str, Any]:
    """What peers.py tells of each queue, ours first; of those that can be installed."""
    python = peers_python()
    quick = bench.repetitions == 1
    found: dict[str, Any] = {}
    for player in ("pawl", *(PEERS if python else ())):
        database = "postgres"
        if player != "pawl":
            database = player
            bench.admin.execute(f"create database {player}".encode())
        jobs = (2000 if quick else 5000) * (10 if player == "pawl" else 1)
        command = [sys.executable if player == "pawl" else str(python), str(HERE / "peers.py")]
        command += [player, bench.server.dsn(database), str(jobs), "2" if quick else "10"]
        bench.admin.execute(f"truncate {TABLES}".encode())
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            print(f"{player} failed:\n{run.stderr[-2000:]}")
            continue
        found[player] = json.loads(run.stdout.splitlines()[-1])
        waits = ", ".join(
            f"{pace} p50 {told['p50_ms']} p99 {told['p99_ms']}"
            for pace, told in found[player].items()
            if isinstance(told, dict)
        )
        print(
            f"{player + chr(39) + 's worker:':33}{found[player]['per_second']} jobs/s; ms: {waits}"
        )
    return found


def peers_python() -> Path | None:
    """The Python of a virtual environment with the others, made once; None without network."""
    folder = HERE / ".peers"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        venv.create(folder, with_pip=True, clear=True)
        install = [python, "-m", "pip", "install", "--quiet", *PACKAGES]
        run = subprocess.run(install, capture_output=True, text=True, check=False)
        if run.returncode:
            print(f"the others are not measured: pip said\n{run.stderr[-500:]}")
            return None
        (folder / "complete").touch()
    return python


def ratios(found: dict[str, Any]) -> dict[str, Any]:
    """Our worker beside the best of the others."""
    ours = found.get("pawl", {})
    told = {f"worker_{key}": ours.get(key) for key in ("per_second", "20", "300", "saturated")}
    others = {name: one for name, one in found.items() if name != "pawl"}
    if ours and others:
        best = max(one["per_second"] for one in others.values())
        told["worker_to_best_peer"] = round(ours["per_second"] / best, 1)
        fastest = min(one["20"]["p99_ms"] for one in others.values())
        told["wake_up_p99_to_best_peer"] = round(ours["20"]["p99_ms"] / fastest, 2)
    return told | {"peers": others}


# --- the doorbell ----------------------------------------------------------------------------


def sends(bench: Bench, clients: int, *, bell: bool) -> float:
    """Return the events per second of so many clients, each with its instance, for some seconds."""
    word = b"enable" if bell else b"disable"
    bench.admin.execute(b"alter table pawl.outbox " + word + b" trigger ring_bell")
    bench.admin.execute(f"truncate {TABLES}".encode())
    script = bench.folder / "ring.pgbench"
    script.write_text(
        "\\set id :client_id + 1\nselect send_event('bell', :id::text, '{\"type\": \"ring\"}');\n"
    )
    command = [bench.pgbench, "-n", "-M", "prepared", "-c", str(clients), "-j", "2"]
    command += ["-T", "3" if bench.repetitions > 1 else "1", "-f", str(script)]
    command += ["-d", bench.server.dsn()]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"tps = ([\d.]+)", told)
    assert found is not None, told
    return float(found[1])


def doorbell(bench: Bench, clients: int) -> float:
    """Throughput of send_event with the doorbell divided by that without, interleaved; a worker is
    awake, as it is while there is work."""
    with psycopg.connect(bench.server.dsn(), autocommit=True) as worker:
        worker.execute("select pawl.stay_awake()")
        found: dict[bool, list[float]] = {False: [], True: []}
        for bell in (False, True, True, False) * max(2, bench.repetitions):
            found[bell].append(sends(bench, clients, bell=bell))
    return median(found[True]) / median(found[False])


def wake_ups(bench: Bench, events: int) -> list[float]:
    """Milliseconds from before a send to the claim that has its effect, one event at a time."""
    bench.admin.execute("alter table pawl.outbox enable trigger ring_bell")
    bench.admin.execute(f"truncate {TABLES}".encode())
    claimed = threading.Semaphore(0)
    ready = threading.Semaphore(0)
    claim = (BATCH, "1 minute")

    def work() -> None:
        with psycopg.connect(bench.server.dsn(), autocommit=True) as worker:
            worker.execute("listen pawl")
            ready.release()
            left = events
            while left:
                worker.execute("select pawl.stay_awake()")
                while found := len(worker.execute(CLAIM.encode(), claim).fetchall()):
                    left -= found
                    claimed.release(found)
                worker.execute("select pawl.rest()")
                for _ in range(60):
                    if worker.execute("select pawl.nobody_is_sending()").fetchone() == (True,):
                        break
                    time.sleep(0.001)
                if found := len(worker.execute(CLAIM.encode(), claim).fetchall()):
                    left -= found
                    claimed.release(found)
                elif left:
                    list(worker.notifies(timeout=1, stop_after=1))

    thread = threading.Thread(target=work)
    thread.start()
    ready.acquire()
    waits: list[float] = []
    for _ in range(events):
        time.sleep(0.02)
        began = time.perf_counter()
        bench.admin.execute("select send_event('bell', '1', '{\"type\": \"ring\"}')")
        claimed.acquire()
        waits.append((time.perf_counter() - began) * 1000)
    thread.join()
    return sorted(waits)


# --- timers ----------------------------------------------------------------------------------


def firing(bench: Bench, pending: int, due: int = 2000) -> float:
    """Microseconds for each timer that is fired, while so many more are pending."""
    bench.admin.execute(f"truncate {TABLES}".encode())
    timers = (
        "insert into pawl.timer (machine, iid, name, seq, due_at)"
        " select 'bell', 1, 'after', 0, pawl.now() + n * interval '1 s' {} "
        " from generate_series(1, %s) as n"
    )
    bench.admin.execute(timers.format("+ interval '1 day'").encode(), (pending,))
    bench.admin.execute(timers.format("- interval '1 day'").encode(), (due,))
    bench.admin.execute("analyze pawl.timer")
    began = time.perf_counter()
    while bench.admin.execute("select pawl.fire_due_timers(100)").fetchone() != (0,):
        pass
    return (time.perf_counter() - began) / due * 1e6


def consume(bench: Bench, fill: str, function: str) -> list[float]:
    """Timers or messages per second, by tenths, when all are due at once."""
    bench.admin.execute(f"truncate {TABLES}".encode())
    bench.admin.execute(fill.encode(), (bench.effects,))
    bench.admin.execute("analyze pawl.timer, pawl.message")
    step = f"select pawl.{function}({BATCH})".encode()
    rates: list[float] = []
    done, began = 0, time.perf_counter()
    while consumed := (bench.admin.execute(step).fetchone() or (0,))[0]:
        done += consumed
        if done >= (len(rates) + 1) * bench.effects / 10:
            now = time.perf_counter()
            rates.append(bench.effects / 10 / (now - began))
            began = now
    assert done == bench.effects
    return rates


# --- the run ---------------------------------------------------------------------------------


@contextmanager
def server(quick: bool) -> Iterator[Bench]:
    """Start a server with the machine and instances of it."""
    with (
        own_server(SETTINGS) as (started, folder),
        psycopg.connect(started.dsn(), autocommit=True) as admin,
    ):
        install(admin)
        deploy(admin, compile_machine(BELL, "bell.machine.yaml"))
        admin.execute(
            "select count(create_instance('bell', n::text)) from generate_series(1, %s) n",
            (INSTANCES,),
        )
        effects, repetitions = (10_000, 1) if quick else (100_000, 3)
        pgbench = find_pgbench(started.bindir)
        yield Bench(started, admin, pgbench, folder, effects, repetitions)


def measure(bench: Bench) -> dict[str, Any]:
    """Run every part, print what it found, and return the ratios."""
    plain = drain(bench)
    with old_snapshot(bench):
        held = drain(bench)
    with old_snapshot(bench):
        over = drain(bench, lease="1 ms")
    _say("dispatch, effects/s by tenths:", plain)
    _say("the same under an old snapshot:", held)
    _say("that is older than all leases:", over)
    bells = {clients: doorbell(bench, clients) for clients in (4, 16)}
    print(f"send_event with the doorbell:    {bells}")
    waits = wake_ups(bench, 50 if bench.repetitions == 1 else 200)
    print(f"wake-up at 20/s, ms:             p50 {median(waits):.1f}, p99 {_p99(waits):.1f}")
    few = median(firing(bench, 1_000) for _ in range(bench.repetitions))
    many = median(firing(bench, bench.effects * 10) for _ in range(bench.repetitions))
    print(f"a timer fired, µs:               {few:.0f}; {bench.effects * 10} pending {many:.0f}")
    burst = consume(bench, TIMERS, "fire_due_timers")
    told = consume(bench, MESSAGES, "deliver_messages")
    with old_snapshot(bench):
        burst_held = consume(bench, TIMERS, "fire_due_timers")
    with old_snapshot(bench):
        told_held = consume(bench, MESSAGES, "deliver_messages")
    _say(f"{bench.effects} timers at once, timers/s:", burst)
    _say("the same under an old snapshot:", burst_held)
    _say("as many messages, messages/s:", told)
    _say("the same under an old snapshot:", told_held)
    return ratios(peers(bench)) | {
        "dispatch_per_second": round(median(plain)),
        "dispatch_last_to_first_tenth": round(plain[-1] / plain[0], 2),
        "dispatch_old_snapshot": round(median(held) / median(plain), 2),
        "dispatch_old_snapshot_last_to_first": round(held[-1] / held[0], 2),
        "dispatch_leases_over_last_to_first": round(over[-1] / over[0], 2),
        **{f"send_with_doorbell_{n}_clients": round(ratio, 2) for n, ratio in bells.items()},
        "wake_up_p50_ms": round(median(waits), 1),
        "wake_up_p99_ms": round(_p99(waits), 1),
        "timer_with_many_pending": round(many / few, 2),
        "timers_due_at_once_per_second": round(median(burst)),
        "timers_due_at_once_last_to_first_tenth": round(burst[-1] / burst[0], 2),
        "timers_old_snapshot_last_to_first": round(burst_held[-1] / burst_held[0], 2),
        "messages_per_second": round(median(told)),
        "messages_last_to_first_tenth": round(told[-1] / told[0], 2),
        "messages_old_snapshot_last_to_first": round(told_held[-1] / told_held[0], 2),
        "effects": bench.effects,
        "batch": BATCH,
    }


def _say(what: str, rates: list[float]) -> None:
    print(f"{what:33}{' '.join(f'{rate:.0f}' for rate in rates)}")


def _p99(waits: list[float]) -> float:
    return waits[int(len(waits) * 0.99)]


def main() -> None:
    """Run the benchmark and print its report."""
    parser = argparse.ArgumentParser(description="the queue of effects")
    parser.add_argument("--quick", action="store_true", help="in two minutes, less exact")
    options = parser.parse_args()
    with server(options.quick) as bench:
        version = bench.admin.info.parameter_status("server_version")
        print(json.dumps(measure(bench) | {"server_version": version}))


if __name__ == "__main__":
    main()
