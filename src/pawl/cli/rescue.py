"""`pawl rescue`: instances that a migration has left behind."""

from typing import Any

import psycopg
import rich_click as click
from click.exceptions import Exit
from psycopg import sql

from pawl.cli import connect
from pawl.cli.migration import report, run
from pawl.cli.options import dsn_option, json_option
from pawl.cli.output import Output
from pawl.deploy.install import installed_api_schema
from pawl.deploy.migration import Choice

COLUMNS = ("machine", "id", "version", "state", "status", "updated_at", "reason")

LIST = """\
select %(machine)s::text, i.id, i.version, i.state, i.status, i.updated_at, i.needs_rescue
from {} as i
where i.needs_rescue is not null
order by i.iid
limit %(limit)s
"""
FLAGGED = """\
select i.iid from {} as i
where i.needs_rescue is not null
  and (%(id)s::text is null or i.id = %(id)s)
order by i.iid
"""


@click.group()
def rescue() -> None:
    """Instances that could not be migrated: they stay in their version, and run on."""


@rescue.command(name="list")
@click.argument("machine")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@dsn_option
@json_option
@click.pass_obj
def list_(output: Output, machine: str, limit: int, dsn: str | None) -> None:
    """List those of MACHINE, and why each could not be migrated."""
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        table = sql.Identifier(connect.machine_schema(connection, machine), "instance")
        query = sql.SQL(LIST).format(table)
        rows = connection.execute(query, {"machine": machine, "limit": limit}).fetchall()
    output.table(COLUMNS, rows)


@rescue.command()
@click.argument("machine")
@click.option("--to", type=click.IntRange(1), required=True, help="The version to go to.")
@click.option("--back", is_flag=True, help="Take instances of later versions back to it.")
@click.option("--id", help="This instance only.")
@dsn_option
@json_option
@click.pass_obj
def retry(
    output: Output, machine: str, to: int, back: bool, id: str | None, dsn: str | None
) -> None:
    """Try the migration again: the data were mended, or the version to go to is another one."""
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        table = sql.Identifier(connect.machine_schema(connection, machine), "instance")
        flagged = connection.execute(sql.SQL(FLAGGED).format(table), {"id": id}).fetchall()
        chosen = ", ".join(str(iid) for (iid,) in flagged)
        choice = Choice(rescue=True, where=f"i.iid in ({chosen})" if chosen else "false")
        sums = run(output, connection, machine, to, choice, None, back=back)
    report(output, sums)
    if any(reason is not None for *_, reason in sums):
        raise Exit(1)


@rescue.command()
@click.argument("machine")
@click.argument("id")
@click.option("--state", required=True, metavar="PATHS", help="Of its own version: a.b,c.d.")
@click.option("--reason", required=True, metavar="TEXT", help="Kept in the journal.")
@dsn_option
@json_option
@click.pass_obj
def force(output: Output, machine: str, id: str, state: str, reason: str, dsn: str | None) -> None:
    """Put one into a state from which it can be migrated; its timers and invokes end."""
    leaves = [leaf.strip() for leaf in state.split(",")]
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        name = sql.Identifier(installed_api_schema(connection) or "public", "force_state")
        with connection.transaction():
            _end(connection, machine, id, reason)
            query = sql.SQL("select {}(%s, %s, %s, %s)").format(name)
            row = connection.execute(query, (machine, id, leaves, reason)).fetchone()
    reply: dict[str, Any] = row[0] if row else {}
    output.table(
        ("machine", "id", "version", "state"), [(machine, id, reply["version"], reply["state"])]
    )


@rescue.command()
@click.argument("machine")
@click.argument("id")
@click.option("--reason", required=True, metavar="TEXT", help="Kept in the journal.")
@dsn_option
@json_option
@click.pass_obj
def skip(output: Output, machine: str, id: str, reason: str, dsn: str | None) -> None:
    """Take the flag off one, and leave it in its version; the next migration tries it again."""
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        _end(connection, machine, id, reason)
    output.table(("machine", "id", "outcome"), [(machine, id, "skipped")])


def _end(connection: psycopg.Connection, machine: str, id: str, reason: str) -> None:
    connection.execute("select pawl.end_rescue(%s, %s, %s)", (machine, id, reason))
