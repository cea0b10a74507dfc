"""The group of commands, and what becomes of an error."""

import os
import sys
from collections.abc import Sequence

import rich_click as click

from pawl import __version__
from pawl.cli import failures
from pawl.cli.definition import check, compile_, diagram, explain
from pawl.cli.demonstration import demo
from pawl.cli.deployment import deploy, versions
from pawl.cli.instances import create, history, list_, send, show, simulate
from pawl.cli.output import Output
from pawl.cli.runtime import init
from pawl.cli.server import server
from pawl.cli.starter import new
from pawl.cli.timers import timers

INTERRUPTED = 130  # 128 + SIGINT, as shells have it

SECTIONS = {
    "Start": (demo, new, init),
    "Write": (check, explain, diagram, compile_),
    "Deploy": (deploy, versions),
    "Use": (create, send, show, list_, history, simulate, timers),
    "Local database": (server,),
}


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="The database is the one of --dsn, PAWL_DSN or DATABASE_URL; without any of them a "
    "local Postgres in `.pawl/`, started when needed (see `pawl server`).",
)
@click.version_option(__version__, prog_name="pawl")
def group() -> None:
    """Statecharts compiled into Postgres."""


for _title, _commands in SECTIONS.items():
    for _command in _commands:
        group.add_command(_command)
    group.add_panel(click.RichCommandPanel(_title, commands=[c.name or "" for c in _commands]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `pawl` and exit the process."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run `pawl`; return its exit code. An unexpected error keeps its traceback: it is a bug."""
    output = Output()
    try:
        code = group.main(arguments, prog_name="pawl", standalone_mode=False, obj=output)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        return _reader_went_away()
    except Exception as error:
        failure = failures.describe(error)
        if failure is None:
            raise
        output.failure(failure)
        return 1
    return code if isinstance(code, int) else 0


def _reader_went_away() -> int:
    """End quietly after `pawl … | head`; Python would complain once more when it flushes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
