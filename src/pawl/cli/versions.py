"""`pawl versions`: which are deployed, which one new instances take, which are of no use."""

import psycopg
import rich_click as click
from click.exceptions import Exit
from psycopg import sql

from pawl.cli import connect
from pawl.cli.options import dsn_option, json_option
from pawl.cli.output import Output
from pawl.deploy.columns import Unused
from pawl.deploy.columns import drop as drop_column
from pawl.deploy.columns import unused as unused_columns
from pawl.deploy.versions import collect as collect_versions
from pawl.deploy.versions import make_current

DONE, DRY = "collected", "would be collected"
KEPT, DROP, DROPPED = "kept", "would be dropped", "dropped"
OUTCOMES = (KEPT, DROP, DROPPED)
SPARE = "no version has these columns any more: {}; `pawl versions collect {} --columns` drops them"
COLUMNS = ("version", "current", "instances", "running", "deployed_at", "deployed_by", "hash")

LIST = """\
select v.version, v.version = m.current_version, count(i.iid),
  count(i.iid) filter (where i.status = 'running'), v.deployed_at, v.deployed_by, left(v.hash, 12)
from pawl.version as v
join pawl.machine as m on m.name = v.machine
left join {} as i on i.version = v.version
where v.machine = %s
  and v.collected_at is null
group by v.machine, v.version, m.name
order by v.version
"""


class Commands(click.RichGroup):
    """What is no command is a machine, whose versions are listed."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        named = [word for word in args if not word.startswith("-")]
        if named and named[0] not in self.commands:
            args = ["list", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"ignore_unknown_options": True})
def versions() -> None:
    """The versions of a machine: `pawl versions MACHINE` lists them."""


@versions.command(name="list")
@click.argument("machine")
@dsn_option
@json_option
@click.pass_obj
def list_(output: Output, machine: str, dsn: str | None) -> None:
    """List the versions of MACHINE and how many instances each has; `list` may be left out."""
    _list(output, machine, dsn)


@versions.command()
@click.argument("machine")
@click.argument("version", type=click.IntRange(1))
@dsn_option
@json_option
@click.pass_obj
def current(output: Output, machine: str, version: int, dsn: str | None) -> None:
    """Let new instances take VERSION: an earlier one, or again the newest; running ones stay."""
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        connect.machine_schema(connection, machine)
        make_current(connection, machine, version)
    _list(output, machine, dsn)


@versions.command()
@click.argument("machine")
@click.option("--columns", is_flag=True, help="Drop columns of such versions alone, with the data.")
@click.option("--dry-run", is_flag=True, help="Tell what would be dropped; change nothing.")
@dsn_option
@json_option
@click.pass_obj
def collect(output: Output, machine: str, columns: bool, dry_run: bool, dsn: str | None) -> None:
    """Drop the functions of versions that no instance has, and none needs on its way.

    Their columns stay, unless --columns is said; exit code 1 if one is in use elsewhere.
    """
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        connect.machine_schema(connection, machine)
        collected = collect_versions(connection, machine, dry_run=dry_run)
        unused = unused_columns(connection, machine, collected if dry_run else ())
        outcomes = [
            (one, _dropped(connection, machine, one, dry_run) if columns else KEPT)
            for one in unused
        ]
    if not columns and not dry_run:
        output.table(("machine", "version", "outcome"), [(machine, v, DONE) for v in collected])
        if unused:
            output.note(SPARE.format(", ".join(one.column for one in unused), machine))
        return
    output.table(
        ("machine", "versions", "column", "values", "outcome"),
        [
            *((machine, (v,), None, None, DRY if dry_run else DONE) for v in collected),
            *((machine, one.versions, one.column, one.values, told) for one, told in outcomes),
        ],
    )
    if dry_run:
        output.note("dry run: nothing was changed")
    if any(told not in OUTCOMES for _, told in outcomes):
        raise Exit(1)


def _dropped(connection: psycopg.Connection, machine: str, one: Unused, dry_run: bool) -> str:
    """What becomes of a column: that it is dropped, or why not."""
    return DROP if dry_run else drop_column(connection, machine, one.column) or DROPPED


def _list(output: Output, machine: str, dsn: str | None) -> None:
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        table = sql.Identifier(connect.machine_schema(connection, machine), "instance")
        rows = connection.execute(sql.SQL(LIST).format(table), (machine,)).fetchall()
    output.table(COLUMNS, rows)
