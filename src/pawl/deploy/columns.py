"""Columns that no version has any more: the last step of expand and contract.

In: an idle connection in autocommit mode of somebody who may act as `pawl_owner`. Each column is a
transaction of its own under the lock of deploys, which waits a second for the table and gives way,
again and again; so whoever was interrupted goes on where he was. What is dropped is noted in
`pawl.version`, so that a further version does not count on it, and journalled with who did it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from pawl.deploy import registry, steps
from pawl.deploy.deploy import read_version
from pawl.deploy.errors import DeployRefused
from pawl.deploy.install import acting_as_owner

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Unused:
    """A column of collected versions alone, and how many rows have a value there."""

    column: str
    versions: tuple[int, ...]
    values: int


def unused(connection: Connection, name: str, also: Iterable[int] = ()) -> tuple[Unused, ...]:
    """The columns that only collected versions have; `also`: as if these were collected, too.

    What somebody else has added to the table is none. Raises `DeployRefused`.
    """
    found = _found(connection, name, frozenset(also))
    return tuple(
        Unused(column, versions, _values(connection, name, column))
        for column, versions in found.items()
    )


def _found(connection: Connection, name: str, also: frozenset[int]) -> dict[str, tuple[int, ...]]:
    kept: set[str] = set()
    gone: dict[str, tuple[int, ...]] = {}
    for known in registry.versions(connection, name):
        for field in read_version(name, known).context:
            if known.collected or known.version in also:
                gone[field.column] = (*gone.get(field.column, ()), known.version)
            else:
                kept.add(field.column)
    return {column: versions for column, versions in gone.items() if column not in kept}


def _values(connection: Connection, name: str, column: str) -> int:
    query = sql.SQL("select count({}) from {}")
    table = sql.Identifier(f"pawl_{name}", "instance")
    row = connection.execute(query.format(sql.Identifier(column), table)).fetchone()
    return int(row[0]) if row else 0


def drop(connection: Connection, name: str, column: str) -> str | None:
    """Drop a column that no version has; why not, if something of somebody else's depends on it.

    Raises `DeployRefused`.
    """
    try:
        steps.briefly(connection, name, lambda: _drop(connection, name, column))
    except psycopg.errors.DependentObjectsStillExist as error:
        return (error.diag.message_detail or str(error)).splitlines()[0]
    return None


def _drop(connection: Connection, name: str, column: str) -> None:
    if (versions := _found(connection, name, frozenset()).get(column)) is None:
        return  # a deploy has come in between, or it is done
    busy = "select from pawl.machine where name = %s and preparing is not null"
    if connection.execute(busy, (name,)).fetchone() is not None:
        raise DeployRefused(
            f"a deploy of `{name}` was begun and has not ended",
            code="deploy_in_progress",
            hint="let it end, or deploy again: it goes on from there",
        )
    table = sql.Identifier(f"pawl_{name}", "instance")
    with acting_as_owner(connection):
        connection.execute(
            sql.SQL("alter table {} drop column {}").format(table, sql.Identifier(column))
        )
        connection.execute(
            "update pawl.version set dropped = dropped || %s::text"
            " where machine = %s and version = any (%s)",
            (column, name, list(versions)),
        )
        told = {"column": column, "versions": versions}
        registry.journal(connection, name, versions[-1], "pawl.drop_column", **told)
