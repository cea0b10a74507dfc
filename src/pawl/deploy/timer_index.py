"""An index by which a migration finds the timers that it renames, for as long as it runs.

No event looks for a timer by its instance, so there is none otherwise: it would cost each of them.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from pawl.deploy.migration import Step

Connection = psycopg.Connection[Any]
FEW = 10_000
"""Timers that are found sooner by reading all than an index of them is made."""

RENAMES = """\
select exists (
  select from pg_catalog.pg_proc as p
  join pawl.machine as m on p.pronamespace = m.schema_name::regnamespace
  where m.name = %s
    and p.proname = any (%s)
    and p.prosrc like '%%update pawl.timer%%'
)"""
MANY = "select count(*) > %s from (select from pawl.timer limit %s) as t"
BROKEN = """\
select exists (
  select from pg_catalog.pg_index
  where indexrelid = to_regclass('pawl.timer_instance') and not indisvalid
)"""
CREATE = "create index concurrently if not exists timer_instance on pawl.timer (iid)"
DROP = "drop index concurrently if exists pawl.timer_instance"


@contextmanager
def timer_index(
    connection: Connection, machine: str, steps: Iterable[Step], few: int = FEW
) -> Iterator[bool]:
    """Make the index if these migrations rename timers and there are many; drop it at the end.

    In autocommit mode. Yields False if it is wanted and this user may not make it. One that a
    killed migration left behind serves the next one, and goes with it.
    """
    if not _wanted(connection, machine, tuple(steps), few):
        yield True
        return
    try:
        with _as_owner(connection):
            if connection.execute(BROKEN).fetchone() == (True,):
                connection.execute(DROP)
            connection.execute(CREATE)
    except psycopg.errors.InsufficientPrivilege:
        yield False
        return
    try:
        yield True
    finally:
        if not connection.closed:
            with _as_owner(connection):
                connection.execute(DROP)


def _wanted(connection: Connection, machine: str, steps: tuple[Step, ...], few: int) -> bool:
    names = [f"v{after}_migrate_batch_from_{before}" for before, after in steps]
    renames = connection.execute(RENAMES, (machine, names)).fetchone()
    many = connection.execute(MANY, (few, few + 1)).fetchone()
    return renames == (True,) and many == (True,)


@contextmanager
def _as_owner(connection: Connection) -> Iterator[None]:
    row = connection.execute("select current_setting('role')").fetchone()
    before = row[0] if row else "none"
    connection.execute("set role pawl_owner")
    try:
        yield
    finally:
        connection.execute("select set_config('role', %s, false)", (before,))
