"""`pawl init`: the runtime, the schema of its API, and who comes in through it.

In: a connection, and what the API schema and the roles are called. Out: what holds now. Safe to run
again: what is not given stays as it is.
"""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from pawl import embedded
from pawl.deploy.install import install, installed_api_schema
from pawl.deploy.record import Recorder, script


@dataclass(frozen=True, slots=True)
class Doors:
    """The schema that clients see, their roles, and the logins whose claims count."""

    api_schema: str | None = None
    client_roles: tuple[str, ...] = ()
    authenticators: tuple[str, ...] = ()


def initialise(connection: psycopg.Connection[Any], doors: Doors) -> Doors:
    """Install the runtime or bring it up to date, name the roles, and tell what holds now.

    Raises `InstallRefused`, and `BadRequest` (code `bad_role`) for a role that cannot be one.
    """
    with connection.transaction():
        schema = doors.api_schema or installed_api_schema(connection) or "public"
        install(connection, api_schema=schema)
        connection.execute(
            "select pawl.init_roles(%s::name[], %s::name[])",
            (list(doors.client_roles) or None, list(doors.authenticators) or None),
        )
        rows = connection.execute(
            "select name, array(select jsonb_array_elements_text(value)) from pawl.setting"
            " where name in ('client_roles', 'authenticators')"
        ).fetchall()
    settings = {name: tuple(value) for name, value in rows}
    return Doors(schema, settings.get("client_roles", ()), settings.get("authenticators", ()))


def preview(doors: Doors, dsn: str | None) -> str:
    """The SQL that `initialise` would run in the database of `dsn`, where nothing is changed.

    Without a `dsn` it is what a database without Pawl needs, found in a temporary one.
    """
    if dsn is None:
        with embedded.temporary() as server:
            with psycopg.connect(server.dsn(), autocommit=True) as connection:
                _make_roles(connection, doors)
            return preview(doors, server.dsn())
    with (
        Recorder.connect(dsn, autocommit=True) as connection,
        connection.transaction(force_rollback=True),
    ):
        initialise(connection, doors)
        kept = list(connection.kept)
    return script(kept)


def _make_roles(connection: psycopg.Connection[Any], doors: Doors) -> None:
    """Make the roles that the real database is said to have."""
    for role in doors.client_roles:
        connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
    for role in doors.authenticators:
        connection.execute(sql.SQL("create role {} login noinherit").format(sql.Identifier(role)))
