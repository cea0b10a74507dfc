"""`pawl dead`: what was given up after its last attempt, and trying it again."""

import rich_click as click

from pawl.cli import connect
from pawl.cli.options import dsn_option, json_option
from pawl.cli.output import Output

COLUMNS = ("dead_id", "at", "kind", "machine", "id", "name", "effect_id", "attempts", "error")

LIST = """\
select dead_id, at, kind, machine, id, name, effect_id, attempts, error
from pawl.dead_letter
where (%(machine)s::text is null or machine = %(machine)s)
  and (%(kind)s::text is null or kind = %(kind)s)
order by dead_id
limit %(limit)s
"""


@click.group()
def dead() -> None:
    """Dead letters: effects, results, timers and messages that were given up."""


@dead.command(name="list")
@click.option("--machine", metavar="NAME", help="Only those of this machine.")
@click.option(
    "--kind",
    type=click.Choice(["effect", "result", "timer", "message"]),
    help="Only those of this kind.",
)
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@dsn_option
@json_option
@click.pass_obj
def list_(
    output: Output, machine: str | None, kind: str | None, limit: int, dsn: str | None
) -> None:
    """List the dead letters, the oldest first."""
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        rows = connection.execute(
            LIST, {"machine": machine, "kind": kind, "limit": limit}
        ).fetchall()
    output.table(COLUMNS, rows)


@dead.command()
@click.argument("dead_id", type=int)
@dsn_option
@json_option
@click.pass_obj
def retry(output: Output, dead_id: int, dsn: str | None) -> None:
    """Try again what was given up, with all its attempts before it."""
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        connection.execute("select pawl.retry_dead(%s)", (dead_id,))
    output.table(("dead_id", "outcome"), [(dead_id, "retried")])
