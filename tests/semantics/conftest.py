"""A connection that many examples of one test share; each undoes what it does."""

import secrets
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests import testserver


@pytest.fixture(scope="session")
def shared_connection(
    server_dsn: str, template_database: str, worker_name: str
) -> Iterator[psycopg.Connection[Any]]:
    """A superuser's autocommit connection to a database with Pawl's runtime.

    It is a copy: nobody can clone a template to which somebody is connected.
    """
    # Other rooms of tests import this fixture, and then there are several at once.
    name = f"pawl_semantics_{worker_name}_{secrets.token_hex(4)}"
    create = sql.SQL("create database {} template {}")
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        admin.execute(create.format(sql.Identifier(name), sql.Identifier(template_database)))
        with psycopg.connect(testserver.within(server_dsn, name), autocommit=True) as connection:
            yield connection
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
