"""Which database, and a connection to it.

The order is `--dsn`, `PAWL_DSN`, `DATABASE_URL`, then a local Postgres whose data lie in `.pawl/`
of this folder or of the nearest folder above that has one. The local one is started when a command
needs it and left running, as a database should be: `pawl server stop` ends it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from pawl import embedded
from pawl.cli.output import Output
from pawl.deploy import install
from pawl.deploy.errors import DeployRefused
from pawl.deploy.install import installed_api_schema

HOME = ".pawl"
VARIABLES = ("PAWL_DSN", "DATABASE_URL")
DEFAULTS: dict[str, Any] = {"connect_timeout": 10, "application_name": "pawl"}


@dataclass(frozen=True, slots=True)
class Database:
    """Where to connect; `local` is true for the one in `.pawl/`, which is ours to set up."""

    dsn: str
    local: bool


def find(dsn: str | None, output: Output) -> Database:
    """Choose the database, starting the local one if it is the choice. Raises `EmbeddedError`."""
    if (address := named(dsn)) is not None:
        return Database(address, local=False)
    home = local_home()
    if embedded.status(home) is None:
        output.note(f"starting a local Postgres in {home} (`pawl server stop` ends it)")
    return Database(embedded.start(home).dsn(), local=True)


def named(dsn: str | None) -> str | None:
    """The database that `--dsn` or the environment names, if any."""
    return dsn or next((os.environ[name] for name in VARIABLES if os.environ.get(name)), None)


def local_home() -> Path:
    """Return the nearest `.pawl` at or above this folder, else the one to be made here."""
    here = Path.cwd()
    found = (folder / HOME for folder in (here, *here.parents) if (folder / HOME).is_dir())
    return next(found, here / HOME)


@contextmanager
def connected(database: Database) -> Iterator[psycopg.Connection]:
    """Connect in autocommit mode; close at the end."""
    parameters = {**DEFAULTS, **conninfo_to_dict(database.dsn)}
    with psycopg.connect(autocommit=True, prepare_threshold=None, **parameters) as connection:
        yield connection


def prepare(connection: psycopg.Connection, database: Database, output: Output) -> None:
    """Make sure that the runtime is installed: the local database gets it by itself.

    Raises `DeployRefused` for any other: there somebody should choose to install it.
    """
    if installed_api_schema(connection) is not None:
        return
    if not database.local:
        raise DeployRefused(
            "this database has no Pawl runtime",
            code="not_installed",
            hint="install it with `pawl init`, as a user who may create schemas and roles",
        )
    install(connection)
    output.note("installed the Pawl runtime")


def machine_schema(connection: psycopg.Connection, machine: str) -> str:
    """Return the schema of a machine's table. Raises as the API does if there is no machine."""
    row = connection.execute(
        "select schema_name from pawl.machine where name = %s", (machine,)
    ).fetchone()
    if row is None:
        connection.execute("select pawl.raise_unknown_machine(%s)", (machine,))
        raise AssertionError("pawl.raise_unknown_machine always raises")
    return str(row[0])


def all_instances(connection: psycopg.Connection) -> str:
    """Return a query of every instance's machine, iid, id and live timers, whatever its machine."""
    machines = connection.execute(
        "select name, schema_name from pawl.machine order by 1"
    ).fetchall()
    parts = [
        sql.SQL("select {}::text as machine, iid, id, timers from {}").format(
            sql.Literal(name), sql.Identifier(schema, "instance")
        )
        for name, schema in machines
    ]
    if not parts:
        return (
            "select null::text as machine, null::bigint as iid, null::text as id,"
            " null::jsonb as timers where false"
        )
    return sql.SQL(" union all ").join(parts).as_string(connection).replace("%", "%%")
