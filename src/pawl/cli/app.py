"""The group of commands, and what becomes of an error."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import rich_click as click

from pawl import __version__
from pawl.cli import failures
from pawl.cli.output import Output
from pawlc.suggest import did_you_mean

INTERRUPTED = 130  # 128 + SIGINT, as shells have it

# Heading -> command -> where it is. A module is imported when its command is asked for: the
# compiler takes longer to load than most commands to run.
SECTIONS = {
    "Start": {"demo": "demonstration:demo", "new": "starter:new", "init": "runtime:init"},
    "Write": {
        "check": "definition:check",
        "import": "importing:import_",
        "convert": "converting:convert",
        "explain": "definition:explain",
        "diagram": "definition:diagram",
        "compile": "definition:compile_",
    },
    "Deploy": {
        "deploy": "deployment:deploy",
        "versions": "versions:versions",
        "authz": "authorizers:authz",
        "migrate": "migration:migrate",
        "rescue": "rescue:rescue",
        "adopt": "adoption:adopt",
    },
    "Use": {
        "create": "instances:create",
        "send": "instances:send",
        "show": "instances:show",
        "list": "instances:list_",
        "history": "instances:history",
        "simulate": "instances:simulate",
    },
    "Operate": {
        "worker": "worker:worker",
        "doctor": "doctor:doctor",
        "effects": "effects:effects",
        "timers": "timers:timers",
        "messages": "messages:messages",
        "dead": "dead:dead",
        "pause": "control:pause",
        "resume": "control:resume",
        "stop": "control:stop",
        "erase": "control:erase",
    },
    "Local database": {"server": "server:server"},
}
PLACES = {name: place for section in SECTIONS.values() for name, place in section.items()}


class Commands(click.RichGroup):
    """The group, whose commands are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(PLACES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in PLACES:
            return None
        module, _, name = PLACES[cmd_name].partition(":")
        found = getattr(import_module(f"pawl.cli.{module}"), name)
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called. Raises UsageError, with what was meant if it is near."""
        if args and args[0] not in PLACES and not args[0].startswith("-"):
            hint = did_you_mean(args[0], PLACES)
            raise click.UsageError(f"no command `{args[0]}`" + (f": {hint}" if hint else ""), ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="The database is the one of --dsn, PAWL_DSN or DATABASE_URL; without any of them a "
    "local Postgres in `.pawl/`, started when needed (see `pawl server`).",
)
@click.version_option(__version__, prog_name="pawl")
def group() -> None:
    """Statecharts compiled into Postgres."""


for _title, _section in SECTIONS.items():
    group.add_panel(click.RichCommandPanel(_title, commands=list(_section)))


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
