"""Call a database as its users do: values out, errors as Pawl's classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from pawl.errors import PawlError, from_postgres

Call = Callable[..., Any]


def call_on(connection: psycopg.Connection) -> Call:
    """Return a function that runs a query for its first value, raising Pawl's errors."""

    def call(query: str, *parameters: Any) -> Any:
        try:
            cursor = connection.execute(query.encode(), parameters or None)
            row = cursor.fetchone() if cursor.description else None
        except psycopg.Error as error:
            raise from_postgres(error) from error
        return None if row is None else row[0]

    return call


@contextmanager
def refuses(code: str, kind: type[PawlError]) -> Iterator[pytest.ExceptionInfo[PawlError]]:
    """Expect an error by its stable code and its class."""
    with pytest.raises(PawlError) as caught:
        yield caught
    assert (caught.value.code, type(caught.value)) == (code, kind), str(caught.value)


def wait_until_blocked(call: Call, pid: int) -> None:
    """Until `pg_stat_activity` shows that the session waits for another one's lock."""
    query = (
        "select wait_event_type = 'Lock' and cardinality(pg_blocking_pids(pid)) > 0"
        " from pg_stat_activity where pid = %s"
    )
    while not call(query, pid):
        pass
