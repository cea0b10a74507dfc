"""A connection that the charts of the outside suites share; each undoes what it does."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests import testserver


@pytest.fixture(scope="module")
def connection(
    server_dsn: str, template_database: str, worker_name: str
) -> Iterator[psycopg.Connection[Any]]:
    """A superuser's autocommit connection to a copy of the template."""
    name = f"pawl_conformance_{worker_name}"
    create = sql.SQL("create database {} template {}")
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        admin.execute(create.format(sql.Identifier(name), sql.Identifier(template_database)))
        with psycopg.connect(testserver.within(server_dsn, name), autocommit=True) as connection:
            yield connection
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
