"""`make fuzz`: random charts until the time is up, in XState and Pawl, in interpreter and Postgres.

    python -m tests.fuzz [--minutes 10] [--seed N] [--only xstate|postgres]

Two processes compare side by side. A difference is made small, written to `.fuzz/`, and ends its
side; `python -m tests.semantics.keep` makes a case of it. The last line counts.
"""

import argparse
import importlib
import multiprocessing
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from multiprocessing.queues import Queue
from pathlib import Path
from random import SystemRandom

import psycopg

from pawl.deploy import install
from tests import testserver

FINDINGS = Path(".fuzz")
DATABASE = "pawl_fuzz"
SAY_SECONDS = 30

Counts = Counter[str]
News = tuple[str, Counts, str | None]
"""Which side it is from, what it compared, and what it found if that ended it."""


def main() -> int:
    options = _options()
    sides = [options.only] if options.only else ["xstate", "postgres"]
    server = testserver.start() if testserver.address() is None else None
    try:
        dsn = _database() if "postgres" in sides else ""
        began = time.monotonic()
        counts, failures = _run(sides, options.seed, options.minutes * 60, dsn)
    finally:
        if server is not None:
            server.stop()
    for failure in failures:
        print(failure)
    print(_last_line(counts, failures, options.seed, time.monotonic() - began))
    return 1 if failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**9))
    parser.add_argument("--only", choices=("xstate", "postgres"))
    return parser.parse_args()


def _database() -> str:
    """The address of a fresh database with Pawl's runtime."""
    address = testserver.address()
    if address is None:
        raise SystemExit(f"no server: {testserver.failure()}")
    with psycopg.connect(address, autocommit=True) as admin:
        admin.execute(f"drop database if exists {DATABASE} with (force)".encode())
        admin.execute(f"create database {DATABASE} template template0".encode())
    dsn = testserver.within(address, DATABASE)
    with psycopg.connect(dsn, autocommit=True) as connection:
        install(connection)
    return dsn


def _run(sides: list[str], seed: int, seconds: float, dsn: str) -> tuple[Counts, list[str]]:
    """Let the sides compare; collect what they tell."""
    context = multiprocessing.get_context("spawn")
    news: Queue[News] = context.Queue()
    running = set(sides)
    processes = [
        context.Process(target=_compare, args=(side, seed, seconds, dsn, news)) for side in sides
    ]
    for process in processes:
        process.start()
    counts, failures, said = Counts(), list[str](), time.monotonic()
    while running:
        side, more, end = news.get()
        counts += more
        if end is not None:
            running.discard(side)
            failures += [f"{side}: {end}"] if end else []
        if time.monotonic() - said > SAY_SECONDS:
            said = time.monotonic()
            print(_told(counts), file=sys.stderr, flush=True)
    for process in processes:
        process.join()
    return counts, failures


def _compare(side: str, seed: int, seconds: float, dsn: str, news: "Queue[News]") -> None:
    """One side, in a process of its own."""
    try:
        for counts in _counted(side, seed, time.monotonic() + seconds, dsn):
            news.put((side, counts, None))
        news.put((side, Counts(), ""))
    except BaseException:
        news.put((side, Counts(), traceback.format_exc()))


def _counted(side: str, seed: int, until: float, dsn: str) -> Iterator[Counts]:
    if side == "xstate":
        return importlib.import_module("tests.oracle.fuzz").run(seed, until, FINDINGS)
    compared = importlib.import_module("tests.semantics.fuzz").run(dsn, seed, until, FINDINGS)
    return (Counts({"postgres": number}) for number in compared)


def _told(counts: Counts) -> str:
    """
    >>> _told(Counts({"same": 90, "by design": 10, "postgres": 7}))
    '100 runs against XState (90 the same, 10 otherwise by design), 7 charts against Postgres'
    """
    same, by_design = counts["same"], counts["by design"]
    return (
        f"{same + by_design} runs against XState ({same} the same, {by_design} otherwise by "
        f"design), {counts['postgres']} charts against Postgres"
    )


def _last_line(counts: Counts, failures: list[str], seed: int, seconds: float) -> str:
    rules = sorted((rule, n) for rule, n in counts.items() if rule[0].isdigit())
    parts = ", ".join(f"rule {rule[0]}: {number}" for rule, number in rules)
    designs = f" [{parts}]" if parts else ""
    found = "no difference" if not failures else f"{len(failures)} DIFFERENT, see above and .fuzz/"
    return f"fuzz: {_told(counts)}{designs}, {found}, seed {seed}, {seconds:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
