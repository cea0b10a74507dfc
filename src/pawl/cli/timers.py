"""`pawl timers`: fire what is due."""

import rich_click as click

from pawl.cli import connect
from pawl.cli.options import dsn_option, json_option
from pawl.cli.output import Output


@click.group()
def timers() -> None:
    """Durable timers, which fire when `pawl.fire_due_timers()` is called."""


@timers.command()
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@dsn_option
@json_option
@click.pass_obj
def fire(output: Output, limit: int, dsn: str | None) -> None:
    """Fire the timers that are due."""
    with connect.connected(connect.find(dsn, output)) as connection:
        row = connection.execute("select pawl.fire_due_timers(%s)", (limit,)).fetchone()
    output.table(("fired",), [row or (0,)])
