"""Rows of a table of the user's become instances, each in a state that its row says.

In: a connection in autocommit mode and a `Mapping`. Out: what became of each batch. The table is
read with the caller's rights in transactions that cannot write; a batch of instances is one
transaction. A row whose instance exists is passed over, so a run that was interrupted goes on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pawl.deploy import registry
from pawl.deploy.condition import condition
from pawl.deploy.errors import DeployRefused

BATCH = 50
"""Rows a transaction: each has a subtransaction, and one with more than 64 is costly."""

KEYS = ("id", "state", "context", "where")
Connection = psycopg.Connection[Any]
Row = tuple[str | None, str | None, str]
"""The id, the leaves as `a.b,c.d` (null: not to be adopted) and the context in JSON, its numbers
with their digits."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """SQL over a row `r` of the table: its id, its state, each field, and whether it is meant."""

    id: str
    state: str
    context: tuple[tuple[str, str], ...]
    where: str


@dataclass(frozen=True, slots=True)
class Adopted:
    """What became of a row: `adopted`, `there already`, `left out`, or `failed` for `reason`."""

    id: str
    state: str | None
    outcome: str
    reason: str | None = None


def read_mapping(text: str) -> Mapping:
    """Read a mapping in YAML. Raises `DeployRefused` for what is none."""
    try:
        found = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise _refused(str(error).splitlines()[0]) from error
    if not isinstance(found, dict) or not {"id", "state"} <= found.keys():
        raise _refused("it needs `id` and `state`")
    if others := sorted(str(key) for key in found.keys() - set(KEYS)):
        raise _refused(f"it has no key `{others[0]}`, only {', '.join(KEYS)}")
    context = found.get("context") or {}
    if not isinstance(context, dict):
        raise _refused("`context` holds a field and an expression a line")
    return Mapping(
        id=condition(_text(found["id"]), "id"),
        state=condition(_text(found["state"]), "state"),
        context=tuple((str(f), condition(_text(e), f"context.{f}")) for f, e in context.items()),
        where=condition(_text(found.get("where", True)), "where"),
    )


def _text(value: object) -> str:
    """An expression: YAML's own null, booleans and numbers are SQL's.

    >>> _text("total_cents / 100.0"), _text(True), _text(None), _text(7)
    ('total_cents / 100.0', 'true', 'null', '7')
    """
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def _refused(what: str) -> DeployRefused:
    return DeployRefused(
        f"this is no mapping: {what}",
        code="malformed_mapping",
        hint="write `id: …`, `state: …` and under `context:` a line for each field, as SQL",
    )


def adopt(
    connection: Connection,
    machine: str,
    version: int,
    table: str,
    mapping: Mapping,
    *,
    begin: bool = True,
    dry_run: bool = False,
) -> Iterator[list[Adopted]]:
    """Adopt the rows of a table, a batch at a time, in the order in which they lie there.

    With `begin` the timers and invokes of each state begin. A dry run adopts and rolls back.
    """
    known = {one.version for one in registry.live(registry.versions(connection, machine))}
    if version not in known:
        raise DeployRefused(
            f"version {version} of `{machine}` is not deployed",
            code="version_absent",
            detail={"machine": machine, "version": version},
            hint="`pawl versions` lists those that are",
        )
    for block in range(_blocks(connection, table)):
        rows = _rows(connection, table, mapping, block)
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            yield _adopt(connection, machine, version, batch, begin=begin, dry_run=dry_run)


def count(connection: Connection, table: str) -> int:
    """How many rows a table has."""
    row = connection.execute(sql.SQL("select count(*) from {}").format(_named(table))).fetchone()
    return int(row[0]) if row else 0


def _blocks(connection: Connection, table: str) -> int:
    """How many blocks a table has: it is read block by block, and needs no index for that."""
    row = connection.execute(
        "select c.relkind, pg_relation_size(c.oid) / current_setting('block_size')::int"
        " from pg_class as c where c.oid = %s::regclass",
        (_named(table).as_string(connection),),
    ).fetchone()
    kind, blocks = row or ("", 0)
    if kind not in ("r", "m"):
        raise DeployRefused(
            f"`{table}` is not a table that holds its rows itself",
            code="not_a_table",
            hint="adopt from the table behind a view, from each partition, or from a materialized "
            "view",
        )
    return int(blocks)


def _rows(connection: Connection, table: str, mapping: Mapping, block: int) -> list[Row]:
    fields = sql.SQL(", ").join(
        sql.SQL("({}) as {}").format(_written(value), sql.Identifier(name))
        for name, value in mapping.context
    )
    query = sql.SQL(
        "select ({})::text, ({})::text, (select to_jsonb(c) from (select {}) as c)::text"
        " from {} as r where r.ctid >= %s::tid and r.ctid < %s::tid and ({})"
    ).format(
        _written(mapping.id),
        _written(mapping.state),
        fields,
        _named(table),
        _written(mapping.where),
    )
    return _reading(connection, query, (f"({block},0)", f"({block + 1},0)"))


def _reading(connection: Connection, query: sql.Composed, values: tuple[Any, ...]) -> list[Any]:
    with connection.transaction():
        connection.execute("set transaction read only")
        return connection.execute(query, values).fetchall()


def _adopt(
    connection: Connection,
    machine: str,
    version: int,
    rows: list[Row],
    *,
    begin: bool,
    dry_run: bool,
) -> list[Adopted]:
    with connection.transaction(force_rollback=dry_run):
        return [_one(connection, machine, version, row, begin=begin) for row in rows]


def _one(connection: Connection, machine: str, version: int, row: Row, *, begin: bool) -> Adopted:
    id, state, context = row
    if state is None:
        return Adopted(str(id), None, "left out")
    leaves = [leaf.strip() for leaf in state.split(",")]
    try:
        with connection.transaction():
            connection.execute(
                "select pawl.adopt_instance(%s, %s, %s, %s, %s::jsonb, %s)",
                (machine, id, version, leaves, context, begin),
            )
    except psycopg.errors.OperationalError:
        raise
    except psycopg.Error as error:
        reason = error.diag.message_primary or str(error)
        there = '"error": "already_exists"' in (error.diag.message_detail or "")
        outcome = Adopted(str(id), state, "there already")
        return outcome if there else Adopted(str(id), state, "failed", reason)
    return Adopted(str(id), state, "adopted")


def _named(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))


def _written(expression: str) -> sql.SQL:
    """An expression in the text of a query that has parameters."""
    return sql.SQL(expression.replace("%", "%%"))
