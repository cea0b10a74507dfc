"""A connection that keeps the text of what it changes: a deploy as a script.

In: a database to change, in a transaction that is rolled back or in one of our own. Out: the
statements that did it, with their values written out, so that somebody else can run them there or
in a database like it. What only asks is not kept: a `select` whose rows are fetched was a question.
Nor is what a rolled back transaction did.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import psycopg
from psycopg.rows import TupleRow


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """What was run: one statement or several. `values` tells that values stand in its text."""

    text: str
    values: bool


class Recorder(psycopg.Connection[TupleRow]):
    """A connection whose `kept` are the statements that changed something, in order."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.kept: list[Statement] = []
        self.cursor_factory = _Cursor

    @contextmanager
    def transaction(
        self, savepoint_name: str | None = None, force_rollback: bool = False
    ) -> Iterator[psycopg.Transaction]:
        """As psycopg's; what it undoes is forgotten."""
        before = tuple(self.kept)
        try:
            with super().transaction(savepoint_name, force_rollback) as transaction:
                yield transaction
        except BaseException:
            self.kept = list(before)
            raise
        if force_rollback:
            self.kept = list(before)


class _Cursor(psycopg.ClientCursor[Any]):
    """A cursor of a `Recorder`: values are written into the text before it is sent."""

    _asked: Statement | None = None

    def execute(self, query: Any, params: Any = None, **named: Any) -> Self:
        statement = Statement(self.mogrify(query, params), values=params is not None)
        super().execute(query, params, **named)
        _recorder(self).kept.append(statement)
        self._asked = statement if _asks(statement) else None
        return self

    def executemany(self, query: Any, params_seq: Any, **named: Any) -> None:
        for params in params_seq:
            self.execute(query, params)

    def fetchone(self) -> Any:
        self._forget()
        return super().fetchone()

    def fetchall(self) -> list[Any]:
        self._forget()
        return super().fetchall()

    def __iter__(self) -> Self:
        self._forget()
        return super().__iter__()

    def _forget(self) -> None:
        """Whose rows are wanted was a question."""
        kept = _recorder(self).kept
        if self._asked in kept:
            kept.remove(self._asked)
        self._asked = None


def _asks(statement: Statement) -> bool:
    """Whether it can be a question: what inserts and returns rows is none.

    >>> _asks(Statement(" select 1", values=False)), _asks(Statement("insert …", values=True))
    (True, False)
    """
    return statement.text.lstrip()[:6].lower() == "select"


def _recorder(cursor: _Cursor) -> Recorder:
    connection = cursor.connection
    assert isinstance(connection, Recorder)
    return connection


def script(statements: list[Statement]) -> str:
    """The statements as the text of one transaction."""
    texts = (statement.text.strip().rstrip(";") + ";\n" for statement in statements)
    return "\n".join(["begin;\n", *texts, "commit;\n"])
