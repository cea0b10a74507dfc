"""`pawl deploy`."""

from dataclasses import asdict, replace
from pathlib import Path

import rich_click as click

from pawl.cli import connect, definitions
from pawl.cli.options import dsn_option, json_option
from pawl.cli.output import Output
from pawl.deploy.deploy import Deployment
from pawl.deploy.deploy import deploy as deploy_new
from pawl.deploy.versions import regenerate as put_anew


@click.command()
@click.argument("files", nargs=-1, required=True, type=definitions.FILE_OR_FOLDER)
@click.option("--dry-run", is_flag=True, help="Show the difference; change nothing.")
@click.option("--regenerate", is_flag=True, help="Put the functions anew, by a newer compiler.")
@dsn_option
@json_option
@click.pass_obj
def deploy(
    output: Output, files: tuple[Path, ...], dry_run: bool, regenerate: bool, dsn: str | None
) -> None:
    """Compile each FILE and put it into the database; of a folder, all definitions in it.

    A version, once deployed, never changes; its source is kept in versions/. --regenerate puts the
    functions of the same definition in place anew.
    """
    deploy_machine = put_anew if regenerate else deploy_new
    compiled = [definitions.compile_(output, file) for file in definitions.definitions_in(files)]
    database = connect.find(dsn, output)
    done: list[Deployment] = []
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        for definition, machine in compiled:
            with definitions.reporting(output, definition):
                done.append(deploy_machine(connection, machine, dry_run=dry_run))
            definitions.report(output, definition, done[-1].warnings)
            if not dry_run and not regenerate:
                definitions.keep(output, definition, done[-1].machine, done[-1].version)
    _report(output, done, dry_run=dry_run)


def _report(output: Output, done: list[Deployment], *, dry_run: bool) -> None:
    if output.json:
        told = [asdict(replace(deployment, warnings=())) for deployment in done]
        output.data([{k: v for k, v in each.items() if k != "warnings"} for each in told])
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
