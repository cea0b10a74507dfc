"""The steps that come before the switch to a new version: the table, its constraints, its indexes.

In: an idle connection in autocommit mode. Each step is a transaction under the lock of deploys, and
finds out by itself whether it is done, so a deploy that was ended in the middle goes on where it
was; nothing is kept in the session, since a pooler may lend another one to each. No step holds a
lock for long: a change of the table waits a second for it and gives way, again and again, since
whoever waits for a lock stops all that come after; what reads the whole table blocks neither
readers nor writers.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from pawl.deploy.errors import DeployRefused
from pawl.deploy.install import acting_as_owner
from pawl.deploy.registry import in_progress, lock
from pawlc.compile import Compiled
from pawlc.emit.columns import Change, concurrent_indexes, evolve, validations
from pawlc.model.machine import Machine
from pawlc.sql import Sql, ident

LOCK_WAIT = "1 s"
PATIENCE = 60.0
"""Seconds in which a change of the table must have got its lock."""

Connection = psycopg.Connection[Any]
T = TypeVar("T")


def prepare(connection: Connection, compiled: Compiled, change: Change) -> None:
    """Let the table of a machine be what its next version needs. Raises `DeployRefused`."""
    machine = compiled.machine
    briefly(connection, machine.name, lambda: alter(connection, compiled, change))
    for name, script in validations(machine, change):
        briefly(connection, machine.name, partial(_validate, connection, compiled, name, script))
    _build_indexes(connection, machine)


def check_mine(connection: Connection, compiled: Compiled) -> None:
    """Refuse to go on where another deploy has begun to change the table since."""
    if _preparing(connection, compiled.machine)["hash"] != compiled.hash:
        raise in_progress()


def _preparing(connection: Connection, machine: Machine) -> dict[str, Any]:
    row = connection.execute(
        "select preparing from pawl.machine where name = %s", (machine.name,)
    ).fetchone()
    return (row[0] if row else None) or {"hash": None, "columns": []}


def alter(connection: Connection, compiled: Compiled, change: Change) -> None:
    """Change the table, unless an earlier attempt did; undo what one for another version did."""
    machine = compiled.machine
    before = _preparing(connection, machine)
    if before["hash"] == compiled.hash:
        return
    mine = [field.column for field in change.added]
    with acting_as_owner(connection):
        for column in before["columns"]:
            _drop(connection, machine, column)
        if script := evolve(machine, change):
            connection.execute(script.encode())
        connection.execute(
            "update pawl.machine set preparing = %s where name = %s",
            (Jsonb({"hash": compiled.hash, "columns": mine}), machine.name),
        )


def _drop(connection: Connection, machine: Machine, column: str) -> None:
    table = ident(machine.schema, "instance")
    connection.execute(f"alter table {table} drop column if exists {ident(column)}".encode())


def briefly(connection: Connection, machine: str, step: Callable[[], T]) -> T:
    """Run a step in a transaction that waits for no lock longer than `LOCK_WAIT`, until it can."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            with connection.transaction():
                lock(connection)
                connection.execute(f"set local lock_timeout = '{LOCK_WAIT}'".encode())
                return step()
        except psycopg.errors.LockNotAvailable as error:
            if time.monotonic() > until:
                raise DeployRefused(
                    f"the table of `{machine}` was locked all the time",
                    code="table_locked",
                    detail={"machine": machine},
                    hint="end the transactions that use it and try again: it goes on from here",
                ) from error
            time.sleep(0.5)


def _validate(connection: Connection, compiled: Compiled, name: str, script: Sql) -> None:
    check_mine(connection, compiled)
    row = connection.execute(
        "select convalidated from pg_constraint"
        " where conrelid = to_regclass(%s) and quote_ident(conname) = %s",
        (ident(compiled.machine.schema, "instance"), name),
    ).fetchone()
    if row is None or not row[0]:
        with acting_as_owner(connection):
            connection.execute(script.encode())


def _build_indexes(connection: Connection, machine: Machine) -> None:
    """Build what is missing; one whose building was ended is begun anew."""
    for name, create in concurrent_indexes(machine):
        row = connection.execute(
            "select indisvalid from pg_index where indexrelid = to_regclass(%s)",
            (ident(machine.schema, name),),
        ).fetchone()
        if row is not None and row[0]:
            continue
        with _as_owner(connection):
            if row is not None:
                drop = f"drop index concurrently {ident(machine.schema, name)}"
                connection.execute(drop.encode())
            connection.execute(create.encode())


@contextmanager
def _as_owner(connection: Connection) -> Iterator[None]:
    """Act as `pawl_owner` outside a transaction: no index is built concurrently inside one.

    Whoever has the owner's rights needs not: an index belongs to whom its table does. Behind a
    pooler a role would stay with one of its sessions.
    """
    row = connection.execute(
        "select current_setting('role'), pg_has_role('pawl_owner', 'usage')"
    ).fetchone()
    if row is not None and row[1]:
        yield
        return
    connection.execute("set role pawl_owner")
    try:
        yield
    finally:
        before = sql.Identifier(row[0] if row else "none")
        connection.execute(sql.SQL("set role {}").format(before))
