"""The two engines for charts from SCXML: the interpreter, which asks Postgres what an expression
is, and the deployed machine. Both show the active leaves and let time pass."""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
    InvokeCancelled,
    InvokeStarted,
    Logged,
    Outcome,
    Sent,
    Snapshot,
    initial,
    macrostep,
    shown,
    stopped,
)
from pawlc.model import events, tree
from pawlc.model.machine import Expression, Machine, Ref
from tests.semantics.database import Connection, Deployed

_INSTANT = timedelta(microseconds=1)


class Session(Protocol):
    """One session."""

    def start(self) -> tuple[str, ...]: ...
    def send(self, event: dict[str, Any]) -> tuple[str, ...]: ...
    def advance(self, milliseconds: int) -> tuple[str, ...]: ...
    def next_timer(self) -> int | None: ...
    def log(self) -> list[tuple[str, str]]: ...


@dataclass(slots=True)
class _Running:
    """A session and what it invoked; `parent` is a session and the id of the invoke there."""

    machine: Machine
    id: str
    parent: "tuple[_Running, str] | None" = None
    snapshot: Snapshot = field(default_factory=lambda: Snapshot((), {}))
    seq: int = 0
    children: "dict[str, _Running]" = field(default_factory=dict)
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class _Message:
    """An event on its way from a session. `unsent` is the id that an error is told with."""

    sender: _Running
    receiver: _Running | None
    event: Event
    unsent: str | None


class Interpreted:
    """A session in the interpreter with those that it invokes, and a clock in milliseconds."""

    def __init__(self, compiled: Compiled, connection: Connection) -> None:
        self.connection = connection
        family = (compiled.machine, *(child.machine for child in compiled.children))
        self.machines = {machine.name: machine for machine in family}
        self.clock = 0
        self.root = _Running(compiled.machine, "i")
        self.sessions = [self.root]
        self.messages: deque[_Message] = deque()
        self.logged: list[tuple[str, str]] = []

    @property
    def snapshot(self) -> Snapshot:
        """Of the session itself."""
        return self.root.snapshot

    def start(self) -> tuple[str, ...]:
        """Begin it."""
        self._create(self.root, {})
        return self._settled()

    def send(self, event: dict[str, Any]) -> tuple[str, ...]:
        """Process an external event."""
        self._process(self.root, Event(event["type"], event))
        return self._settled()

    def advance(self, milliseconds: int) -> tuple[str, ...]:
        """Let time pass; a delayed event comes at its time."""
        until = self.clock + milliseconds
        while (due := self._due()) and due[0][0] <= until:
            self.clock, number, name = due[0]
            self._fire(self.sessions[number], name)
            self._settled()
        self.clock = until
        return self._leaves()

    def next_timer(self) -> int | None:
        """Milliseconds to the next delayed event."""
        due = self._due()
        return due[0][0] - self.clock if due else None

    def log(self) -> list[tuple[str, str]]:
        """What was logged, with the machine that did."""
        return self.logged

    def _due(self) -> list[tuple[int, int, str]]:
        return sorted(
            (int(t.since) + self._milliseconds(t.delay), number, t.name)  # type: ignore[call-overload]
            for number, session in enumerate(self.sessions)
            if session.snapshot.status == "running" and not session.cancelled
            for t in session.snapshot.timers
        )

    def _milliseconds(self, delay: object) -> int:
        query = "select (extract(epoch from %s::interval) * 1000)::int"
        row = self.connection.execute(query, (delay,)).fetchone()
        assert row is not None
        return int(row[0])

    def _fire(self, session: _Running, name: str) -> None:
        """A timer is due: a macrostep, or a message that goes out without one."""
        timer = next(t for t in session.snapshot.timers if t.name == name)
        if timer.message is None:
            self._process(session, timer.event)
            return
        left = tuple(t for t in session.snapshot.timers if t is not timer)
        session.snapshot = replace(session.snapshot, timers=left)
        self._post(session, timer.message)

    # --- sessions ---------------------------------------------------------------------------

    def _facts(self, session: _Running) -> Facts:
        return Facts(id=session.id, seq=session.seq, now=self.clock, machines=tuple(self.machines))

    def _create(self, session: _Running, given: Mapping[str, object]) -> None:
        session.seq = 1
        known = {name: given[name] for name in session.machine.input if name in given}
        self._after(session, initial(session.machine, self._evaluate, known, self._facts(session)))

    def _process(self, session: _Running, event: Event) -> None:
        session.seq += 1
        found = macrostep(
            session.machine, session.snapshot, event, self._evaluate, self._facts(session)
        )
        self._after(session, found)

    def _after(self, session: _Running, outcome: Outcome) -> None:
        """Take what a macrostep did beyond its session: end, begin, send, answer."""
        session.snapshot = outcome.snapshot
        for step in outcome.trace:
            match step:
                case InvokeCancelled():
                    self._cancel(session.children.pop(step.id))
                case InvokeStarted():
                    self._invoke(session, step)
                case Logged():
                    self.logged.append((session.machine.name, str(step.value)))
                case _:
                    pass
        for step in outcome.trace:
            if isinstance(step, Sent):
                self._post(session, step)
        if outcome.snapshot.status == "done" and session.parent is not None:
            parent, id = session.parent
            event = Event(events.done_invoke(id), output=session.snapshot.output, external=False)
            self.messages.append(_Message(session, parent, event, None))

    def _invoke(self, session: _Running, step: InvokeStarted) -> None:
        id = f"{session.id}/{step.id}/{session.seq}"
        child = _Running(self.machines[step.effect], id, (session, step.id))
        session.children[step.id] = child
        self.sessions.append(child)
        self._create(child, step.input)

    def _cancel(self, session: _Running) -> None:
        """What it still has to say is not heard; it leaves its states when it hears of it."""
        session.cancelled = True
        assert session.parent is not None
        parent, _ = session.parent
        self.messages.append(_Message(parent, session, Event(events.STOP), None))

    def _stop(self, session: _Running) -> None:
        if session.snapshot.status == "running":
            session.seq += 1
            facts = self._facts(session)
            self._after(session, stopped(session.machine, session.snapshot, self._evaluate, facts))

    # --- messages ---------------------------------------------------------------------------

    def _post(self, session: _Running, sent: Sent) -> None:
        event, receiver = sent.event, None
        parent = session.parent
        is_parent = parent is not None and (sent.machine, sent.id) == (
            parent[0].machine.name,
            parent[0].id,
        )
        if sent.machine is not None and not is_parent:
            wanted = (sent.machine, sent.id)
            receiver = next((s for s in self.sessions if (s.machine.name, s.id) == wanted), None)
        elif sent.child is not None:
            receiver = session.children.get(sent.child)
        elif session.parent is not None:
            receiver, id = session.parent
            event = replace(event, fields={**(event.fields or {}), "invokeid": id})
        self.messages.append(_Message(session, receiver, event, sent.send_id))

    def _settled(self) -> tuple[str, ...]:
        """Deliver messages until none is left."""
        while self.messages:
            self._deliver(self.messages.popleft())
        return self._leaves()

    def _deliver(self, message: _Message) -> None:
        sender, receiver = message.sender, message.receiver
        is_answer = sender.parent is not None and sender.parent[0] is receiver
        if sender.cancelled and is_answer:
            return
        if receiver is not None and message.event.type == events.STOP:
            self._stop(receiver)
        elif receiver is not None and receiver.snapshot.status == "running":
            if not receiver.cancelled:
                self._process(receiver, message.event)
            if is_answer and message.event.type.startswith("done.invoke."):
                assert sender.parent is not None
                receiver.children.pop(sender.parent[1], None)
        elif message.unsent is not None and sender.snapshot.status == "running":
            fields = {"type": "platform", "sendid": message.unsent or None, "data": "unreachable"}
            self._process(sender, Event("error.communication", external=False, fields=fields))

    def _leaves(self) -> tuple[str, ...]:
        states = self.root.machine.states
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
    """A session in the database, with those that it invokes."""

    def __init__(self, connection: Connection, compiled: Compiled) -> None:
        self.connection = connection
        self.database = Deployed(connection, compiled)
        family = (*compiled.children, compiled)
        self.schemas = tuple(one.machine.schema for one in family)

    def start(self) -> tuple[str, ...]:
        """Create the instance."""
        shown = self.database.create({})
        assert shown.error is None, shown.error
        return self._settled(shown.state)

    def send(self, event: dict[str, Any]) -> tuple[str, ...]:
        """Send an external event."""
        return self._settled(self.database.send(event).state)

    def advance(self, milliseconds: int) -> tuple[str, ...]:
        """Let time pass; the clock stops at each delayed event."""
        left = milliseconds
        while (step := self.next_timer()) is not None and step <= left:
            self._settled(self.database.advance(timedelta(milliseconds=step)).state)
            left -= step
        return self._settled(self.database.advance(timedelta(milliseconds=left)).state)

    def _settled(self, leaves: tuple[str, ...]) -> tuple[str, ...]:
        """Deliver messages until none is left."""
        if not self._value("select exists (select from pawl.message)"):
            return leaves
        while self._value("select pawl.deliver_messages()"):
            pass
        failed = self._value("select last_error from pawl.message where attempts > 0 limit 1")
        assert failed is None, failed
        return tuple(self._value(f'select state from "{self.schemas[-1]}".instance'))

    def next_timer(self) -> int | None:
        """Milliseconds to the next delayed event that is alive."""
        queries = (
            "select (extract(epoch from min(t.due_at) - pawl.now()) * 1000)::int"
            f" from pawl.timer t join {names.ident(schema)}.instance i using (iid)"
            f" where i.status = 'running' and i.timers ? t.name"
            f" and t.machine = {names.literal(schema.removeprefix('pawl_'))}"
            for schema in self.schemas
        )
        found = [value for query in queries if (value := self._value(query)) is not None]
        return max(int(min(found)), 0) if found else None

    def log(self) -> list[tuple[str, str]]:
        """What was logged, with the machine that did."""
        query = "select machine, unnest(log) from pawl.journal where log is not null"
        return [(row[0], row[1]) for row in self.connection.execute(query).fetchall()]

    def _value(self, query: str) -> Any:
        row = self.connection.execute(query.encode()).fetchone()
        return None if row is None else row[0]
