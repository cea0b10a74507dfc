"""What is wrong with a running Pawl, as data: `examine(connection)` returns findings.

* `findings`: what a check finds, and what it takes for too much;
* `queries`: the checks that are one query on the tables of `pawl` and Postgres's own statistics;
* `inquiries`: those that need more: the doorbell, each machine's table, the compiler.

`error` means that something does not move or is not safe; `warning`, that it will be so if nobody
looks. Nothing is written. What a role may not see (other users' sessions, without
pg_read_all_stats) is not found. A check that takes too long says so, and the others go on.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import partial
from typing import Any, cast

import psycopg

from pawl import __version__
from pawl.doctor.findings import Finding, Limits, Severity
from pawl.doctor.inquiries import doorbell, drift, rescue, runtime
from pawl.doctor.queries import CHECKS, Check

__all__ = ["Finding", "Limits", "examine"]

Connection = psycopg.Connection[Any]
Inquiry = Callable[[], Iterable[Finding]]


def examine(connection: Connection, limits: Limits | None = None) -> tuple[Finding, ...]:
    """Return what is wrong, in the order of the checks. The connection is in autocommit mode."""
    limits = limits or Limits()
    return tuple(
        finding
        for name, inquiry in _inquiries(connection, limits)
        for finding in _bounded(connection, name, inquiry, limits)
    )


def _inquiries(connection: Connection, limits: Limits) -> Iterator[tuple[str, Inquiry]]:
    """Every check by its name, in order."""
    yield "runtime", partial(runtime, connection)
    for check in CHECKS:
        yield check.name, partial(_queried, connection, check, limits)
    yield "rescue", partial(rescue, connection)
    yield "compiler", partial(drift, connection)
    yield "doorbell", partial(doorbell, connection, limits)


def _queried(connection: Connection, check: Check, limits: Limits) -> Iterator[Finding]:
    parameters = asdict(limits) | {"version": __version__} if check.limited else None
    for severity, message, advice in connection.execute(check.query, parameters).fetchall():
        yield Finding(check.name, cast(Severity, severity), message, advice)


def _bounded(
    connection: Connection, name: str, inquiry: Inquiry, limits: Limits
) -> tuple[Finding, ...]:
    """Run a check, each of whose statements may take so long."""
    milliseconds = int(limits.patience.total_seconds() * 1000)
    connection.execute("select set_config('statement_timeout', %s, false)", (str(milliseconds),))
    try:
        return tuple(inquiry())
    except psycopg.errors.QueryCanceled:
        late = f"it was not known within {limits.patience.total_seconds():g} s"
        return (Finding(name, "warning", late, "the tables are large; ask in a quieter hour"),)
    finally:
        connection.execute("reset statement_timeout")
