"""A fresh database for each test, cloned from a template in which everything is deployed.

A template is made once for each set of charts; a clone is a copy of its files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pawl.cli.definitions import Definition
from pawl.deploy import install
from pawl.testing import charts

Setup = Path | Callable[[str], object]
"""A file of SQL, or a function of the database's address, such as a call of a migration tool."""

START = "2030-01-01 00:00:00+00"
"""When a test begins, unless it says otherwise: a Tuesday."""

ONE_INSTALLS = 7291550  # advisory lock: roles belong to the whole server


class Databases:
    """Templates and clones on one server; `name` keeps apart those who share it.

    The address is of somebody who may create databases and roles: a superuser is simplest.
    """

    def __init__(self, dsn: str, name: str) -> None:
        self._dsn = dsn
        self._name = name
        self._templates: dict[tuple[tuple[Setup, ...], tuple[Definition, ...]], str] = {}
        self._count = 0
        self._admin = psycopg.connect(dsn, autocommit=True)

    def close(self) -> None:
        """Drop the templates."""
        for template in self._templates.values():
            self._drop(template)
        self._admin.close()

    @contextmanager
    def fresh(self, files: Sequence[Path] = (), setup: Sequence[Setup] = ()) -> Iterator[str]:
        """The address of a database in which `setup` has run and the charts of `files` are
        deployed; dropped at the end."""
        template = self._template(tuple(setup), charts.read_all(files))
        database = self._new_name("test")
        self._create(database, template)
        try:
            yield within(self._dsn, database)
        finally:
            self._drop(database)

    def _template(self, setup: tuple[Setup, ...], definitions: tuple[Definition, ...]) -> str:
        key = (setup, definitions)
        if key not in self._templates:
            name = self._new_name("template")
            self._make(name, setup, definitions)
            self._templates[key] = name
        return self._templates[key]

    def _make(
        self, name: str, setup: tuple[Setup, ...], definitions: tuple[Definition, ...]
    ) -> None:
        """Make a template; without charts it is the base of all others."""
        bare = not setup and not definitions
        self._create(name, "template0" if bare else self._template((), ()))
        address = within(self._dsn, name)
        try:
            if bare:
                self._install(address)
            for step in setup:
                _set_up(address, step)
            with psycopg.connect(address, autocommit=True) as connection:
                for definition in definitions:
                    charts.deploy(connection, definition)
        except BaseException:
            self._drop(name)
            raise

    def _new_name(self, kind: str) -> str:
        self._count += 1
        return f"pawl_{kind}_{self._name}_{self._count}"

    def _install(self, address: str) -> None:
        self._admin.execute("select pg_advisory_lock(%s)", (ONE_INSTALLS,))
        try:
            with psycopg.connect(address, autocommit=True) as connection:
                install(connection)
                connection.execute("select pawl.set_clock(%s)", (START,))
        finally:
            self._admin.execute("select pg_advisory_unlock(%s)", (ONE_INSTALLS,))

    def _create(self, name: str, template: str) -> None:
        self._drop(name)
        statement = sql.SQL("create database {} template {}")
        self._admin.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))

    def _drop(self, name: str) -> None:
        statement = sql.SQL("drop database if exists {} with (force)")
        self._admin.execute(statement.format(sql.Identifier(name)))


def within(dsn: str, dbname: str) -> str:
    """Return the same address with another database."""
    return make_conninfo("", **(conninfo_to_dict(dsn) | {"dbname": dbname}))


def _set_up(address: str, step: Setup) -> None:
    if isinstance(step, Path):
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(step.read_bytes())
    else:
        step(address)
