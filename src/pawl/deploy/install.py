"""Install the runtime schema, or bring an older one up to date.

In goes a connection, out comes a database with the roles, the schema `pawl` and the API functions.
The SQL is hand-written, in `sql/` (see its README); this module only decides what to run, in which
order and as whom: roles as the caller, all else as `pawl_owner`, in one transaction. Running it
again changes nothing.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from pawl.errors import InstallRefused
from pawlc.emit.routes import entry, routes

LOCK = 0x7061776C  # "pawl": held by installs and deploys, so that they run one after another


@dataclass(frozen=True, slots=True)
class Migration:
    """A step of the runtime schema: `number` counts from 1 without gaps."""

    number: int
    name: str
    text: str


def install(connection: psycopg.Connection[Any], *, api_schema: str = "public") -> None:
    """Install or update Pawl in the database of `connection`.

    The caller needs to be superuser, or to have CREATEROLE and own the database and `api_schema`.
    Raises `InstallRefused` (code `install_refused`) if it may not, if Pawl is there with another
    `api_schema`, or if the database's Pawl is newer than this one.
    """
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        _check_api_schema(connection, api_schema)
        try:
            _prepare(connection, api_schema)
        except psycopg.errors.InsufficientPrivilege as error:
            raise _refused(
                f"this user may not install Pawl: {error.diag.message_primary}",
                "Install as superuser, or as the owner of the database with CREATEROLE.",
            ) from error
        with acting_as_owner(connection):
            connection.execute("set local check_function_bodies = off")
            _bring_tables_up_to_date(connection)
            for text in _texts("functions"):
                _run(connection, text, api_schema)
            for text in _texts("views"):
                _run(connection, text, api_schema)
            _run(connection, _routers(connection, api_schema), api_schema)
            for text in _texts("readers"):
                _run(connection, text, api_schema)
            _settle(connection, api_schema)
            _run(connection, _text("policies/grants.sql"), api_schema)
        connection.execute("set local check_function_bodies = on")


@contextmanager
def acting_as_owner(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Make everything inside belong to `pawl_owner`. Raises InsufficientPrivilege.

    Who was acting before is kept by Postgres, so that what is run is the same text for everybody.
    """
    connection.execute("select set_config('pawl.installer', current_setting('role'), true)")
    connection.execute("set local role pawl_owner")
    yield
    connection.execute("select set_config('role', current_setting('pawl.installer'), true)")


def installed_api_schema(connection: psycopg.Connection[Any]) -> str | None:
    """Return the schema of the API functions, or None if Pawl is not installed here."""
    if _one(connection, "select to_regclass('pawl.setting')") is None:
        return None
    found = _one(connection, "select value #>> '{}' from pawl.setting where name = 'api_schema'")
    return None if found is None else str(found)


def migrations() -> tuple[Migration, ...]:
    """Return the migrations in order; their sum is what `schema/` makes at once."""
    found = sorted(
        (entry for entry in (_root() / "migrations").iterdir() if entry.name.endswith(".sql")),
        key=lambda entry: entry.name,
    )
    return tuple(
        Migration(int(entry.name[:4]), entry.name[5:-4], entry.read_text("utf-8"))
        for entry in found
    )


def fingerprint() -> str:
    """A hash of the runtime: everything in `sql/` that an install can run."""
    folders = ("schema", "migrations", "functions", "views", "readers", "policies")
    texts = (text for folder in folders for text in _texts(folder))
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _root() -> Traversable:
    """Return the folder sql/: package data in a wheel, the checkout's in an editable install."""
    packaged = files("pawl") / "sql"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "sql"


def _text(path: str) -> str:
    return (_root() / path).read_text("utf-8")


def _texts(folder: str) -> tuple[str, ...]:
    """Return the files of a folder in the order of their names."""
    entries = sorted((_root() / folder).iterdir(), key=lambda entry: entry.name)
    return tuple(entry.read_text("utf-8") for entry in entries if entry.name.endswith(".sql"))


def _run(connection: psycopg.Connection[Any], text: str, api_schema: str) -> None:
    """Execute a file of statements; `:"api_schema"` stands for the schema, as in psql."""
    quoted = sql.Identifier(api_schema).as_string(connection)
    connection.execute(text.replace(':"api_schema"', quoted).encode())


def _one(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    return None if row is None else row[0]


def _refused(message: str, hint: str) -> InstallRefused:
    return InstallRefused(message, code="install_refused", hint=hint)


def _check_api_schema(connection: psycopg.Connection[Any], api_schema: str) -> None:
    """Refuse to install the API functions a second time, in another schema."""
    present = installed_api_schema(connection)
    if present not in (None, api_schema):
        raise _refused(
            f'Pawl is installed here with api_schema "{present}", not "{api_schema}"',
            f'Use "{present}", or another database.',
        )


def _prepare(connection: psycopg.Connection[Any], api_schema: str) -> None:
    """Make what only the caller can: the roles, the schemas, and pawl_owner's right to use them."""
    _run(connection, _text("policies/roles.sql"), api_schema)
    for schema in ("pawl", api_schema):
        _make_schema(connection, schema)
    let_owner_create_schemas(connection)


def let_owner_create_schemas(connection: psycopg.Connection[Any]) -> None:
    """Give `pawl_owner` a right on the database itself, which a copy of a database loses."""
    if not _one(
        connection, "select has_database_privilege('pawl_owner', current_database(), 'CREATE')"
    ):
        connection.execute(
            "do $$ begin execute"
            " format('grant create on database %I to pawl_owner', current_database()); end $$"
        )


def _make_schema(connection: psycopg.Connection[Any], schema: str) -> None:
    """Create a schema of pawl_owner's, or let pawl_owner create functions in one that is there."""
    name = sql.Identifier(schema)
    exists = connection.execute(
        "select has_schema_privilege('pawl_owner', oid, 'CREATE') from pg_namespace"
        " where nspname = %s",
        (schema,),
    ).fetchone()
    if exists is None:
        connection.execute(sql.SQL("create schema {} authorization pawl_owner").format(name))
    elif not exists[0]:
        connection.execute(sql.SQL("grant usage, create on schema {} to pawl_owner").format(name))


def _bring_tables_up_to_date(connection: psycopg.Connection[Any]) -> None:
    """Make all tables in an empty schema; else run the migrations that it lacks."""
    known = migrations()
    fresh = _one(connection, "select to_regclass('pawl.schema_version')") is None
    if fresh:
        for text in _texts("schema"):
            connection.execute(text.encode())
    done = 0 if fresh else _one(connection, "select max(version) from pawl.schema_version") or 0
    if done > len(known):
        raise _refused(
            f"the database has version {done} of the runtime schema, newer than {len(known)}",
            "Update the pawl package.",
        )
    for migration in known[done:]:
        if not fresh:
            connection.execute(migration.text.encode())
        connection.execute(
            "insert into pawl.schema_version (version, name) values (%s, %s)",
            (migration.number, migration.name),
        )


def _routers(connection: psycopg.Connection[Any], api_schema: str) -> str:
    """Return the routers of the machines that are deployed: none, in a fresh database."""
    rows = connection.execute("select name from pawl.machine").fetchall()
    machines = tuple(name for (name,) in rows)
    return routes(machines) + entry(machines, api_schema)


def _settle(connection: psycopg.Connection[Any], api_schema: str) -> None:
    """Write what the functions read as constants, and make the partitions."""
    connection.execute(
        "insert into pawl.setting (name, value) values ('api_schema', to_jsonb(%s::text))"
        " on conflict (name) do nothing",
        (api_schema,),
    )
    connection.execute("select pawl.write_now(), pawl.write_roles()")
    connection.execute("select pawl.make_outbox_partitions(), pawl.make_journal_partitions(3)")
