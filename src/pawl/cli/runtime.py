"""`pawl init`: the runtime schema, and who may call it."""

import psycopg
import rich_click as click

from pawl.cli import connect
from pawl.cli.options import dsn_option, json_option
from pawl.cli.output import Output
from pawl.deploy import install
from pawl.deploy.install import installed_api_schema


@click.command()
@click.option(
    "--api-schema",
    metavar="NAME",
    help="The schema of create_instance, send_event, …; `public` unless told.",
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
@dsn_option
@json_option
@click.pass_obj
def init(
    output: Output,
    api_schema: str | None,
    client_roles: tuple[str, ...],
    authenticators: tuple[str, ...],
    dsn: str | None,
) -> None:
    """Install the runtime, or bring it up to date.

    Safe to run again: what is not given stays as it is.
    """
    database = connect.find(dsn, output)
    with connect.connected(database) as connection, connection.transaction():
        schema = api_schema or installed_api_schema(connection) or "public"
        install(connection, api_schema=schema)
        connection.execute(
            "select pawl.init_roles(%s::name[], %s::name[])",
            (list(client_roles) or None, list(authenticators) or None),
        )
        settings = _settings(connection)
    output.table(
        ("api_schema", "client_roles", "authenticators"),
        [(schema, *(settings.get(name, []) for name in ("client_roles", "authenticators")))],
    )


def _settings(connection: psycopg.Connection) -> dict[str, list[str]]:
    return dict(connection.execute("select name, value from pawl.setting").fetchall())
