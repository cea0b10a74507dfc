"""`deploy` and `versions`."""

from dataclasses import asdict
from pathlib import Path

import rich_click as click
from psycopg import sql

from pawl.cli import connect, definitions
from pawl.cli.options import dsn_option, json_option
from pawl.cli.output import Output
from pawl.deploy.deploy import Deployment, make_current
from pawl.deploy.deploy import deploy as deploy_machine

VERSIONS = """\
select v.version, v.version = m.current_version, count(i.iid),
  count(i.iid) filter (where i.status = 'running'), v.deployed_at, v.deployed_by, left(v.hash, 12)
from pawl.version as v
join pawl.machine as m on m.name = v.machine
left join {} as i on i.version = v.version
where v.machine = %s
group by v.machine, v.version, m.name
order by v.version
"""


@click.command()
@click.argument("files", nargs=-1, required=True, type=definitions.FILE_OR_FOLDER)
@click.option("--dry-run", is_flag=True, help="Show the difference; change nothing.")
@dsn_option
@json_option
@click.pass_obj
def deploy(output: Output, files: tuple[Path, ...], dry_run: bool, dsn: str | None) -> None:
    """Compile each FILE and put it into the database; of a folder, all definitions in it.

    A version, once deployed, never changes; its source is kept in versions/.
    """
    compiled = [definitions.compile_(output, file) for file in definitions.definitions_in(files)]
    database = connect.find(dsn, output)
    done: list[Deployment] = []
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        for definition, machine in compiled:
            with definitions.reporting(output, definition):
                done.append(deploy_machine(connection, machine, dry_run=dry_run))
            if not dry_run:
                definitions.keep(output, definition, done[-1].machine, done[-1].version)
    _report(output, done, dry_run=dry_run)


def _report(output: Output, done: list[Deployment], *, dry_run: bool) -> None:
    if output.json:
        output.data([asdict(deployment) for deployment in done])
        return
    for deployment in done:
        if dry_run and deployment.diff:
            output.diff(deployment.diff)
    output.table(
        ("machine", "version", "result", "added columns", "hash"),
        [(d.machine, d.version, d.outcome, d.added, d.hash[:12]) for d in done],
    )
    if dry_run:
        output.note("dry run: nothing was changed")


@click.command()
@click.argument("machine")
@click.option("--current", type=click.IntRange(1), help="Let new instances take this version.")
@dsn_option
@json_option
@click.pass_obj
def versions(output: Output, machine: str, current: int | None, dsn: str | None) -> None:
    """List the deployed versions of MACHINE and how many instances each has.

    --current goes back to an earlier version, or forth: running instances stay in theirs.
    """
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        table = sql.Identifier(connect.machine_schema(connection, machine), "instance")
        if current is not None:
            make_current(connection, machine, current)
        rows = connection.execute(sql.SQL(VERSIONS).format(table), (machine,)).fetchall()
    output.table(
        ("version", "current", "instances", "running", "deployed_at", "deployed_by", "hash"), rows
    )
