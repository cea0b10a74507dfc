"""The built-in effect `sql`: call a function that the operator allows, in a transaction of its own.

    invoke:
      src: sql
      input:
        function: $$billing.charge$$
        arguments: "jsonb_build_object('amount', context.total)"

The function's value is the output. `current_setting('pawl.idempotency_key')` inside it is the key
of the effect: a unique column of that makes the work exactly once, for it commits with the work.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from pawl.client import retry
from pawl.client.payload import to_json
from pawl.worker.outcomes import Fatal
from pawl.worker.queue import configure
from pawl.worker.task import Task

AGAIN = ("08", "40", "53", "55", "57", "58")  # classes of SQLSTATE that may pass


class SqlEffect:
    """The handler, for these functions, each `schema.name`."""

    def __init__(self, dsn: str, allowed: Sequence[str]) -> None:
        self._dsn = dsn
        self._allowed = frozenset(allowed)

    async def perform(
        self, task: Task, function: str, arguments: dict[str, Any] | None = None
    ) -> Any:
        """Call it. Raises `Fatal` for what it refuses, psycopg's error for what may pass."""
        if function not in self._allowed:
            raise Fatal(
                f"{function} is not allowed; --allow-function names it",
                code="function_not_allowed",
            )
        statement = call(function, tuple(arguments or {}))
        values = [_parameter(value) for value in (arguments or {}).values()]
        try:
            return await self._run(task, statement, values)
        except psycopg.Error as error:
            state = error.sqlstate
            if state is None or state[:2] in AGAIN or retry.retryable(error):
                raise
            raise Fatal(error.diag.message_primary or str(error), code=state) from error

    async def _run(self, task: Task, statement: sql.Composed, values: list[str | None]) -> Any:
        connection: psycopg.AsyncConnection[Any]
        async with await psycopg.AsyncConnection.connect(self._dsn) as connection:
            await configure(connection)
            async with connection.transaction():
                await connection.execute(
                    "select set_config('pawl.idempotency_key', %s, true)", (task.idempotency_key,)
                )
                rows = await (await connection.execute(statement, values)).fetchall()
        if len(rows) > 1:
            raise Fatal("it returned several rows: let it return jsonb", code="bad_output")
        return rows[0][0] if rows else None


def call(function: str, names: tuple[str, ...]) -> sql.Composed:
    """Return the statement; arguments go by name.

    >>> call("billing.charge", ("amount",)).as_string()
    'select to_jsonb(f) from "billing"."charge"("amount" => %s) as f'
    """
    arguments = sql.SQL(", ").join(
        sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder()) for name in names
    )
    called = sql.Identifier(*function.split("."))
    return sql.SQL("select to_jsonb(f) from {}({}) as f").format(called, arguments)


def _parameter(value: Any) -> str | None:
    """An argument as text, which Postgres reads as the parameter's type."""
    if value is None or isinstance(value, str):
        return value
    return to_json(value)
