"""The two engines for charts from SCXML: the interpreter, which asks Postgres what an expression
is, and the deployed machine. Both show the active leaves and let time pass."""

import json
from datetime import timedelta
from typing import Any, Protocol

import psycopg

from pawlc.compile import Compiled
from pawlc.expr import names
from pawlc.interpret import (
    Environment,
    Event,
    Facts,
    Failed,
    Outcome,
    Snapshot,
    initial,
    macrostep,
    shown,
)
from pawlc.model import tree
from pawlc.model.machine import Expression, Machine, Ref
from tests.semantics.database import Connection, Deployed

_INSTANT = timedelta(microseconds=1)


class Session(Protocol):
    """One session."""

    def start(self) -> tuple[str, ...]: ...
    def send(self, event: dict[str, Any]) -> tuple[str, ...]: ...
    def advance(self, milliseconds: int) -> tuple[str, ...]: ...
    def next_timer(self) -> int | None: ...


class Interpreted:
    """A session in the interpreter, with a clock in milliseconds."""

    def __init__(self, machine: Machine, connection: Connection) -> None:
        self.machine = machine
        self.connection = connection
        self.clock = 0
        self.seq = 0
        self.snapshot = Snapshot((), {})

    def start(self) -> tuple[str, ...]:
        """Begin it."""
        self.seq = 1
        return self._after(initial(self.machine, self._evaluate, {}, self._facts()))

    def send(self, event: dict[str, Any]) -> tuple[str, ...]:
        """Process an external event."""
        return self._process(Event(event["type"], event))

    def advance(self, milliseconds: int) -> tuple[str, ...]:
        """Let time pass; a delayed event comes at its time."""
        until = self.clock + milliseconds
        while due := sorted((at, n) for n, at in enumerate(self._due()) if at <= until):
            self.clock, number = due[0]
            self._process(self.snapshot.timers[number].event)
        self.clock = until
        return self._leaves()

    def next_timer(self) -> int | None:
        """Milliseconds to the next delayed event."""
        due = self._due()
        return min(due) - self.clock if due and self.snapshot.status == "running" else None

    def _due(self) -> tuple[int, ...]:
        return tuple(
            int(t.since) + self._milliseconds(t.delay)  # type: ignore[call-overload]
            for t in self.snapshot.timers
        )

    def _milliseconds(self, delay: object) -> int:
        query = "select (extract(epoch from %s::interval) * 1000)::int"
        row = self.connection.execute(query, (delay,)).fetchone()
        assert row is not None
        return int(row[0])

    def _facts(self) -> Facts:
        return Facts(id="i", seq=self.seq, now=self.clock)

    def _process(self, event: Event) -> tuple[str, ...]:
        self.seq += 1
        found = macrostep(self.machine, self.snapshot, event, self._evaluate, self._facts())
        return self._after(found)

    def _after(self, outcome: Outcome) -> tuple[str, ...]:
        self.snapshot = outcome.snapshot
        return self._leaves()

    def _leaves(self) -> tuple[str, ...]:
        states = self.machine.states
        return tuple(states[s].path for s in tree.leaves(states, self.snapshot.configuration))

    def _evaluate(self, expression: Expression, environment: Environment) -> object:
        """Ask Postgres, every name replaced by the constant that it stands for."""
        written = names.render(expression, lambda ref: _constant(ref, environment))
        kind = expression.type
        cast = f"::{kind}" if kind and kind not in ("jsonb", "boolean", "text") else ""
        query = f"select ({written}){cast}::text"
        if kind == "boolean":
            query = f"select coalesce({written}, false)::text"
        try:
            with self.connection.transaction():
                row = self.connection.execute(query.encode()).fetchone()
        except psycopg.Error as error:
            raise Failed(error.diag.message_primary or "") from error
        value = None if row is None else row[0]
        if value is None:
            return None
        if kind == "jsonb":
            return json.loads(value)
        return value == "true" if kind == "boolean" else value


def _constant(ref: Ref, environment: Environment) -> str:
    match ref.space:
        case "context":
            kind = next(c.type for c in environment.machine.context if c.name == ref.name)
            value = environment.context[ref.name]
            return f"({_literal(value, kind)})"
        case "in_state":
            return "true" if ref.name in environment.states else "false"
        case "self":
            facts = {"id": environment.facts.id, "machine": environment.machine.name}
            return names.literal(facts[ref.name]) + "::text"
        case "event" if ref.name == "scxml":
            return _literal(shown(environment.event), "jsonb")
        case _:
            raise AssertionError(f"{ref.space}.{ref.name}")


def _literal(value: object, kind: str) -> str:
    if value is None:
        return f"null::{kind}"
    if kind == "jsonb":
        return names.literal(json.dumps(value)) + "::jsonb"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return names.literal(text) + f"::{kind}"


class InPostgres:
    """A session in the database."""

    def __init__(self, connection: Connection, compiled: Compiled) -> None:
        self.connection = connection
        self.database = Deployed(connection, compiled)

    def start(self) -> tuple[str, ...]:
        """Create the instance."""
        shown = self.database.create({})
        assert shown.error is None, shown.error
        return shown.state

    def send(self, event: dict[str, Any]) -> tuple[str, ...]:
        """Send an external event."""
        return self.database.send(event).state

    def advance(self, milliseconds: int) -> tuple[str, ...]:
        """Let time pass; the clock stops at each delayed event."""
        left = milliseconds
        while (step := self.next_timer()) is not None and step <= left:
            self.database.advance(timedelta(milliseconds=step))
            left -= step
        return self.database.advance(timedelta(milliseconds=left)).state

    def next_timer(self) -> int | None:
        """Milliseconds to the next delayed event that is alive."""
        query = (
            "select (extract(epoch from min(t.due_at) - pawl.now()) * 1000)::int"
            f" from pawl.timer t join {names.ident(self.database.schema)}.instance i using (iid)"
            " where i.status = 'running' and i.timers ? t.name"
        )
        row = self.connection.execute(query.encode()).fetchone()
        return None if row is None or row[0] is None else max(int(row[0]), 0)
