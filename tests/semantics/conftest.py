"""A connection that many examples of one test share; each undoes what it does."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests import testserver


@pytest.fixture(scope="session")
def shared_connection(server_dsn: str, template_database: str) -> Iterator[psycopg.Connection[Any]]:
    """A superuser's autocommit connection to a database with Pawl's runtime."""
    dsn = testserver.within(server_dsn, template_database)
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection
