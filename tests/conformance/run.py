"""Run whole suites in parallel, each process with a database of its own."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from pawl import deploy
from tests import testserver
from tests.conformance import scxml, suites
from tests.conformance.judge import Outcome, Verdict, verdicts
from tests.semantics.database import Connection

PROCESSES = min(4, os.cpu_count() or 1)

_connection: Connection | None = None


def run(files: tuple[tuple[str, Path], ...]) -> Iterator[Verdict]:
    """The verdicts of all cases, in the order of the files."""
    with _server(), ProcessPoolExecutor(PROCESSES, initializer=_connect) as pool:
        for found in pool.map(_judge, *zip(*files, strict=True)) if files else ():
            yield from found


def counted(found: list[Verdict]) -> dict[str, Counter[Outcome]]:
    """How many cases of each suite passed, failed, are not applicable."""
    counts: dict[str, Counter[Outcome]] = {}
    for verdict in found:
        counts.setdefault(verdict.suite, Counter())[verdict.outcome] += 1
    return counts


@contextmanager
def _server() -> Iterator[None]:
    """The test server of the environment, or one that lasts as long as the block."""
    own = testserver.start() if testserver.address() is None else None
    try:
        yield
    finally:
        if own is not None:
            own.stop()


def _judge(suite: str, file: Path) -> tuple[Verdict, ...]:
    """Judge a file; one that cannot be read is a single failure."""
    try:
        if scxml.is_document(file):
            return (scxml.verdict(suite, file, _connection),)
        cases = list(suites.cases(suite, file))
    except Exception as error:
        why = f"this file cannot be read: {type(error).__name__}: {error}"
        return (Verdict(suite, file.stem, "*", Outcome.FAILED, why),)
    return tuple(verdicts(cases, _connection))


def _connect() -> None:
    """Give this process a database with Pawl's runtime; the roles belong to the whole server."""
    global _connection
    dsn = testserver.address()
    if dsn is None:
        raise RuntimeError(f"no test server: {testserver.failure()}")
    name = f"pawl_conformance_{os.getpid()}"
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("select pg_advisory_lock(7291550)")
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        _connection = psycopg.connect(testserver.within(dsn, name), autocommit=True)
        deploy.install(_connection)
        admin.execute("select pg_advisory_unlock(7291550)")
