"""`pause`, `resume`, `stop`, `erase`: an operator's hand on one instance."""

import rich_click as click
from psycopg import sql

from pawl.cli import connect
from pawl.cli.options import dsn_option, json_option
from pawl.cli.output import Output
from pawl.deploy.install import installed_api_schema

COLUMNS = ("machine", "id", "state", "status", "seq")


@click.command()
@click.argument("machine")
@click.argument("id")
@dsn_option
@json_option
@click.pass_obj
def pause(output: Output, machine: str, id: str, dsn: str | None) -> None:
    """Refuse events to an instance until it is resumed; its timers and results wait."""
    _call(output, dsn, "pause_instance", machine, id)


@click.command()
@click.argument("machine")
@click.argument("id")
@dsn_option
@json_option
@click.pass_obj
def resume(output: Output, machine: str, id: str, dsn: str | None) -> None:
    """Let a paused instance run on."""
    _call(output, dsn, "resume_instance", machine, id)


@click.command()
@click.argument("machine")
@click.argument("id")
@dsn_option
@json_option
@click.pass_obj
def stop(output: Output, machine: str, id: str, dsn: str | None) -> None:
    """End an instance where it is, with its timers and invokes; no exit action runs."""
    _call(output, dsn, "stop_instance", machine, id)


@click.command()
@click.argument("machine")
@click.argument("id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@dsn_option
@json_option
@click.pass_obj
def erase(output: Output, machine: str, id: str, yes: bool, dsn: str | None) -> None:
    """Delete an instance and all that is kept about it, its journal too.

    What stays is one journal row that says who erased it when.
    """
    if not yes:
        click.confirm(f"Erase {machine} {id} with its journal, for good?", abort=True, err=True)
    _call(output, dsn, "erase_instance", machine, id)


def _call(output: Output, dsn: str | None, function: str, machine: str, id: str) -> None:
    """Call one of the operators' functions of the API, which journals who did."""
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        name = sql.Identifier(installed_api_schema(connection) or "public", function)
        row = connection.execute(
            sql.SQL("select {}(%s, %s)").format(name), (machine, id)
        ).fetchone()
    reply = row[0] if row else None
    if reply:
        output.table(COLUMNS, [tuple(reply[column] for column in COLUMNS)])
    else:
        output.table(("machine", "id", "outcome"), [(machine, id, "erased")])
