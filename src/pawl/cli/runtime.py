"""`pawl init`: the runtime schema, and who may call it."""

from pathlib import Path

import rich_click as click

from pawl.cli import connect
from pawl.cli.options import dsn_option, json_option, target_option
from pawl.cli.output import Output
from pawl.deploy import supabase
from pawl.deploy.initialise import Doors, initialise, preview


@click.command()
@click.option(
    "--api-schema",
    metavar="NAME",
    help="The schema of create_instance, send_event, …; `public` unless told, for Supabase `api`.",
)
@click.option(
    "--client-role",
    "client_roles",
    metavar="ROLE",
    multiple=True,
    help="A nologin role of end users, bound by the authorizers. May be given several times.",
)
@click.option(
    "--authenticator",
    "authenticators",
    metavar="ROLE",
    multiple=True,
    help="A login role whose JWT claims count, such as PostgREST's. May be given several times.",
)
@click.option("--print", "only_print", is_flag=True, help="Print the SQL; change nothing.")
@target_option
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="For Supabase: the folder of the migrations; supabase/migrations unless told.",
)
@dsn_option
@json_option
@click.pass_obj
def init(
    output: Output,
    api_schema: str | None,
    client_roles: tuple[str, ...],
    authenticators: tuple[str, ...],
    only_print: bool,
    target: str,
    folder: Path | None,
    dsn: str | None,
) -> None:
    """Install the runtime, or bring it up to date.

    Safe to run again: what is not given stays as it is. --print shows the SQL that would run in the
    database named, or in one without Pawl. --target supabase writes it as a migration.
    """
    given = Doors(api_schema, client_roles, authenticators)
    if target == "supabase":
        if only_print:
            raise click.UsageError("--print goes without --target supabase, which writes a file")
        _write_migration(output, given, folder, dsn)
        return
    if folder is not None:
        raise click.UsageError("--output goes with --target supabase")
    if only_print:
        _print(output, preview(given, connect.named(dsn)))
        return
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        now = initialise(connection, given)
    output.table(
        ("api_schema", "client_roles", "authenticators"),
        [(now.api_schema, now.client_roles, now.authenticators)],
    )


def _print(output: Output, text: str) -> None:
    if output.json:
        output.data({"sql": text})
    else:
        output.raw(text)


def _write_migration(output: Output, given: Doors, folder: Path | None, dsn: str | None) -> None:
    usual = supabase.DOORS
    doors = Doors(
        given.api_schema or usual.api_schema,
        given.client_roles or usual.client_roles,
        given.authenticators or usual.authenticators,
    )
    file = supabase.add_runtime(supabase.Project(folder or supabase.MIGRATIONS), doors, dsn)
    if file is None:
        output.unchanged("the last migration of the runtime says the same")
        return
    output.wrote(file)
    output.note(
        f"expose the schema `{doors.api_schema}`: in supabase/config.toml under [api], schemas; "
        "in the dashboard under Data API"
    )
