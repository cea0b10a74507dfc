"""`pawl versions`: which are deployed, which one new instances take, which are of no use."""

import rich_click as click
from psycopg import sql

from pawl.cli import connect
from pawl.cli.options import dsn_option, json_option
from pawl.cli.output import Output
from pawl.deploy.versions import collect as collect_versions
from pawl.deploy.versions import make_current

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
@dsn_option
@json_option
@click.pass_obj
def collect(output: Output, machine: str, dsn: str | None) -> None:
    """Drop the functions of versions that no instance has, and none needs on its way."""
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        connect.machine_schema(connection, machine)
        collected = collect_versions(connection, machine)
    output.table(("machine", "version", "outcome"), [(machine, v, "collected") for v in collected])


def _list(output: Output, machine: str, dsn: str | None) -> None:
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        table = sql.Identifier(connect.machine_schema(connection, machine), "instance")
        rows = connection.execute(sql.SQL(LIST).format(table), (machine,)).fetchall()
    output.table(COLUMNS, rows)
