"""`pawl server`: the local Postgres in `.pawl/`."""

import rich_click as click
from click.exceptions import Exit

from pawl import embedded
from pawl.cli import connect
from pawl.cli.options import json_option
from pawl.cli.output import Output


@click.group()
def server() -> None:
    """The local Postgres in `.pawl/`, which other commands start when they need it.

    It listens on 127.0.0.1 only, and runs until it is stopped or the machine is.
    """


@server.command()
@json_option
@click.pass_obj
def start(output: Output) -> None:
    """Start it, and say how to reach it."""
    found = embedded.start(connect.local_home())
    output.table(("folder", "running", "dsn"), [(str(found.data), True, found.shown_dsn())])


@server.command()
@json_option
@click.pass_obj
def status(output: Output) -> None:
    """Say whether it runs; exit code 1 if not."""
    home = connect.local_home()
    found = embedded.status(home)
    dsn = None if found is None else found.shown_dsn()
    output.table(("folder", "running", "dsn"), [(str(home), found is not None, dsn)])
    if found is None:
        raise Exit(1)


@server.command()
@json_option
@click.pass_obj
def stop(output: Output) -> None:
    """Stop it; its data stay."""
    home = connect.local_home()
    stopped = embedded.stop(home)
    output.table(("folder", "stopped"), [(str(home), stopped)])
