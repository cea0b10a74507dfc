"""Executes the SQL of the story, exactly as it is shown, in the role of whoever acts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from pawl.demo.beats import Answer, Refusal

REPLY = ("state", "status", "seq", "context")  # of a reply, what the demo shows


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a JWT."""

    id: str
    name: str
    claims: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stage:
    """The demo's database.

    `connection` is a superuser's, in autocommit mode; `role` is the one that end users come in by.
    """

    connection: psycopg.Connection[Any]
    role: str

    def client(self, person: Person, statement: str) -> Answer:
        """Execute a statement as an end user. Raises what Postgres raises."""
        return self._answer(self._as_client(person, statement))

    def operator(self, statement: str) -> Answer:
        """Execute a statement as the database's owner, a trusted caller."""
        return self._answer(f"{statement};")

    def refused(self, person: Person, statement: str) -> Refusal:
        """Execute what an end user may not do."""
        script = self._as_client(person, statement)
        try:
            self._answer(script)
        except psycopg.Error as error:
            self.connection.rollback()
            message = error.diag.message_primary or str(error)
            return Refusal(script, error.sqlstate or "", message, error.diag.message_hint)
        raise AssertionError(f"the story expects a refusal of: {statement}")

    def _as_client(self, person: Person, statement: str) -> str:
        """A statement as an end user's app sends it, as PostgREST would: role and claims."""
        return (
            "begin;\n"
            f"set local role {self.role};\n"
            f"set local request.jwt.claims = '{json.dumps(person.claims)}';\n"
            f"{statement};\n"
            "commit;"
        )

    def _answer(self, script: str) -> Answer:
        """Execute a script and find the one result with rows among its statements'."""
        cursor = self.connection.execute(script.encode())
        while cursor.description is None:
            if not cursor.nextset():
                return Answer(script, (), ())
        columns = tuple(column.name for column in cursor.description)
        rows = tuple(cursor.fetchall())
        if rows == (("",),):  # void
            return Answer(script, (), ())
        if len(columns) == 1 and rows and isinstance(rows[0][0], dict) and "state" in rows[0][0]:
            return Answer(script, REPLY, tuple(_reply(row[0]) for row in rows))
        return Answer(script, columns, rows)


def _reply(reply: Mapping[str, Any]) -> tuple[Any, ...]:
    """Lay a reply out in columns; of its context only what is set."""
    known = {key: value for key, value in reply["context"].items() if value is not None}
    return (reply["state"], reply["status"], reply["seq"], known)
