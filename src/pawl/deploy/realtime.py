"""`realtime: true`: the machine's table in a publication, with its public columns and no others.

In: a connection of whoever deploys, a machine whose current version this is. The publication is
`supabase_realtime` where there is one, else `pawl_realtime`, which is made. What is there already
is left alone; a version that is not `realtime` takes the table out again.
"""

from dataclasses import dataclass
from typing import Any

import psycopg

from pawl.deploy.errors import DeployRefused
from pawl.deploy.install import acting_as_owner
from pawlc.emit import realtime
from pawlc.model.machine import Machine
from pawlc.sql import Sql, ident

SUPABASE, OURS = "supabase_realtime", "pawl_realtime"
Connection = psycopg.Connection[Any]

_PUBLICATIONS = """\
select p.pubname, p.puballtables, r.oid is not null,
  array(
    select a.attname::text
    from pg_attribute as a
    where a.attrelid = r.prrelid and a.attnum = any (r.prattrs)
    order by 1
  )
from pg_publication as p
left join pg_publication_rel as r on r.prpubid = p.oid and r.prrelid = to_regclass(%s)
where p.pubname in ('supabase_realtime', 'pawl_realtime')
"""


@dataclass(frozen=True, slots=True)
class Publication:
    """What a publication says of the machine's table; no columns: it has them all, or none."""

    everything: bool
    has_table: bool
    columns: tuple[str, ...]


def follow(connection: Connection, machine: Machine) -> None:
    """Publish the table, or take it out, as the machine says.

    Raises `DeployRefused` (code `publication_refused`) if the publication is somebody else's, or
    cannot have a list of columns.
    """
    there = _publications(connection, machine)
    wanted = (SUPABASE if SUPABASE in there else OURS) if machine.realtime else None
    if wanted is not None and wanted not in there:
        with acting_as_owner(connection):
            connection.execute(
                f"create publication {OURS} with (publish = 'insert, update, delete')"
            )
        there[wanted] = Publication(False, False, ())
    try:
        for name, found in there.items():
            _follow_in(connection, machine, name, found, wanted)
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidParameterValue) as error:
        raise DeployRefused(
            f"`{machine.name}` cannot be published: {error.diag.message_primary}",
            code="publication_refused",
            detail={"machine": machine.name, "publication": wanted},
            hint="deploy as the owner of the publication; one for a whole schema takes no columns",
        ) from error
    _open_schema(connection, machine)


def _publications(connection: Connection, machine: Machine) -> dict[str, Publication]:
    table = f"{ident(machine.schema, 'instance')}"
    rows = connection.execute(_PUBLICATIONS.encode(), (table,)).fetchall()
    return {name: Publication(every, has, tuple(columns)) for name, every, has, columns in rows}


def _follow_in(
    connection: Connection, machine: Machine, name: str, found: Publication, wanted: str | None
) -> None:
    """Make one publication what it should be. One of all tables has the table anyhow."""
    if found.everything:
        return
    right = name == wanted and found.columns == tuple(sorted(realtime.columns(machine)))
    if found.has_table and not right:
        _run(connection, realtime.withdraw(machine, name))
    if name == wanted and not right:
        _run(connection, realtime.publish(machine, name))


def _open_schema(connection: Connection, machine: Machine) -> None:
    """Let client roles enter the schema of a table that they follow, and of no other."""
    row = connection.execute(
        "select has_schema_privilege('pawl_client', %s, 'usage')", (machine.schema,)
    ).fetchone()
    if row is not None and row[0] != machine.realtime:
        with acting_as_owner(connection):
            _run(
                connection, realtime.admit(machine) if machine.realtime else realtime.expel(machine)
            )


def _run(connection: Connection, statement: Sql) -> None:
    connection.execute(statement.encode())
