"""Who may do what: the truth table of a machine's authorizers, for the samples of its definition.

In: a connection of somebody who may deploy, and a machine. Out: for each sample of an instance, in
each state, and for each sample of a caller, what the compiled authorizers say. The machine is
deployed under a name of its own in a transaction that is rolled back, so that it does not matter
what is deployed already, and rules find the tables that they ask. Read rules run as `pawl_owner`
here: what row security of a table of yours hides from clients, they see.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import psycopg

from pawl.deploy.deploy import deploy
from pawl.deploy.install import acting_as_owner
from pawl.errors import PawlError, from_postgres
from pawlc.compile import emitted
from pawlc.diagnostics import Diagnostic, Severity
from pawlc.emit.rules import reads_payload, rules
from pawlc.model import configurations, events
from pawlc.model.machine import Machine
from pawlc.sql import Sql, ident, sql

NAME = "authz_preview"
MOST = 100
"""Configurations that are tried; of more, one for each leaf."""

Action = Literal["create", "read", "send"]
Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Row:
    """What the callers may do, in the states of `states` alike.

    `may` has an answer for each caller: None where the payload decides, a text where asking failed.
    `states` is empty where the state does not matter. `event` names what is sent.
    """

    context: str
    action: Action
    event: str | None
    states: tuple[tuple[str, ...], ...]
    may: tuple[bool | str | None, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """The table, and what its rules look like in its light."""

    machine: str
    callers: tuple[str, ...]
    rows: tuple[Row, ...]
    warnings: tuple[Diagnostic, ...]


class NoSamples(PawlError):
    """The definition has no samples, or one of them is no instance."""


@dataclass(frozen=True, slots=True)
class _Instance:
    """A sample in a configuration, by its id."""

    id: str
    context: str
    state: tuple[str, ...]


def truth(connection: Connection, machine: Machine) -> Truth:
    """Ask everything; nothing is left behind. Raises `NoSamples` and what a deploy raises."""
    if not machine.samples.claims:
        raise NoSamples(
            f"`{machine.name}` has no sample of a caller",
            code="no_samples",
            hint="write `samples: { claims: { ann: { sub: a-1 } }, contexts: { … } }`",
        )
    preview = replace(machine, name=NAME, version=1, migrations=())
    with connection.transaction(force_rollback=True):
        deploy(connection, emitted(preview))
        with acting_as_owner(connection):
            asking = _Asking(connection, preview, machine.name)
            instances = tuple(asking.instances())
            rows = (*asking.creations(), *asking.readers(instances), *asking.senders(instances))
            warnings = tuple(asking.judged())
    callers = tuple(name for name, _ in machine.samples.claims)
    order = [name for name, _ in preview.samples.contexts]
    return Truth(
        machine.name,
        callers,
        tuple(sorted(rows, key=lambda row: order.index(row.context) if order else 0)),
        warnings,
    )


@dataclass(frozen=True, slots=True)
class _Asking:
    """A connection as `pawl_owner`, with the preview deployed; `name` is the machine's own."""

    connection: Connection
    machine: Machine
    name: str

    def contexts(self) -> tuple[tuple[str, str], ...]:
        return self.machine.samples.contexts or (("", "{}"),)

    def instances(self) -> Iterator[_Instance]:
        """Make one of each context in each state."""
        leaves = tuple(_states(self.machine))
        for name, context in self.contexts():
            for place, state in enumerate(leaves):
                id = f"{name}/{place}"
                try:
                    self.connection.execute(
                        "select pawl.insert_instance(%s, %s, 1, %s,"
                        " pawl.check_state(%s, 1, %s), %s)",
                        (NAME, id, list(state), NAME, list(state), context),
                    )
                except psycopg.Error as error:
                    refused = from_postgres(error)
                    raise NoSamples(
                        f"the sample `{name}` of `{self.name}` is no instance: {refused.message}",
                        code="bad_sample",
                        detail=refused.detail,
                        hint="give it the fields that have no default",
                    ) from error
                yield _Instance(id, name, state)

    def creations(self) -> Iterator[Row]:
        """Let each caller create each sample, from its input."""
        for name, context in self.contexts():
            given: dict[str, Any] = json.loads(context)
            input = json.dumps({k: v for k, v in given.items() if k in self.machine.input})
            answers = tuple(self._creation(claims, input) for _, claims in self._callers())
            yield Row(name, "create", None, (), answers)

    def _creation(self, claims: str, input: str) -> bool | str:
        create = sql("select {}(%s, %s, null)", ident(self.machine.schema, "create_instance"))
        try:
            with self.connection.transaction(force_rollback=True):
                self._claim(claims)
                self.connection.execute(create.encode(), ("created", input))
        except psycopg.Error as error:
            return False if error.sqlstate == "PT403" else from_postgres(error).message
        return True

    def readers(self, instances: tuple[_Instance, ...]) -> Iterator[Row]:
        """Ask the read rule for each instance and caller."""
        function = ident(self.machine.schema, "admits_reader")
        table = ident(self.machine.schema, "instance")
        ask = sql("select i.id, {}(i.iid) from {} i", function, table)
        told = [self._asked(claims, ask) for _, claims in self._callers()]
        answers = {one.id: tuple(known[one.id] for known in told) for one in instances}
        yield from _grouped("read", None, instances, answers, len(_states(self.machine)))

    def senders(self, instances: tuple[_Instance, ...]) -> Iterator[Row]:
        """Ask the authorizers of each event, where a state takes it."""
        schema, table = self.machine.schema, ident(self.machine.schema, "instance")
        accepts = sql("select i.id, {}(i.state) from {} i", ident(schema, "v1_accepts"), table)
        taken = dict(self.connection.execute(accepts.encode()).fetchall())
        for event in self.machine.events:
            there = tuple(one for one in instances if event.name in taken[one.id])
            if not there:
                continue
            if self._by_payload(event.name):
                answers: dict[str, tuple[bool | str | None, ...]]
                answers = {one.id: (None,) * len(self._callers()) for one in there}
            else:
                ask = sql("select i.id, {}(i.id, %s) from {} i", ident(schema, "v1_admits"), table)
                sent = (json.dumps({"type": event.name}),)
                told = [self._asked(claims, ask, sent) for _, claims in self._callers()]
                answers = {one.id: tuple(known[one.id] for known in told) for one in there}
            yield from _grouped("send", event.name, there, answers, 0)

    def _by_payload(self, name: str) -> bool:
        return any(
            reads_payload(rule.rule) and any(events.matches(p, name) for p in rule.patterns)
            for rule in self.machine.authorize.send
        )

    def judged(self) -> Iterator[Diagnostic]:
        """Say which rules no sample satisfies, and which all do."""
        table = ident(self.machine.schema, "instance")
        for rule in rules(self.machine):
            ask = sql(
                "select coalesce(bool_or(({}) is true), false),"
                " coalesce(bool_and(({}) is true), false)"
                " from {} where {}",
                rule.holds,
                rule.holds,
                table,
                rule.applies,
            )
            told = [self._satisfied(claims, ask) for _, claims in self._callers()]
            span = rule.expression.source.span
            if not any(some for some, _ in told):
                yield Diagnostic(
                    "PW451",
                    f"no sample satisfies this rule of `{rule.name}`",
                    span,
                    "true for no caller, instance and state",
                    hint="is a claim or field misspelt, or a sample missing?",
                    severity=Severity.WARNING,
                )
            elif len(told) > 1 and all(every for _, every in told):
                yield Diagnostic(
                    "PW452",
                    f"every sample satisfies this rule of `{rule.name}`",
                    span,
                    "true for all callers, instances and states",
                    hint="write `true` if it is meant so, else add a caller who may not",
                    severity=Severity.WARNING,
                )

    def _satisfied(self, claims: str, ask: Sql) -> tuple[bool, bool]:
        try:
            with self.connection.transaction(force_rollback=True):
                self._claim(claims)
                some, every = self.connection.execute(ask.encode()).fetchall()[0]
                return bool(some), bool(every)
        except psycopg.Error:
            return False, False

    def _asked(
        self, claims: str, ask: Sql, parameters: tuple[str, ...] = ()
    ) -> dict[str, bool | str | None]:
        """The answers by id; a failure is the answer of all."""
        try:
            with self.connection.transaction(force_rollback=True):
                self._claim(claims)
                rows = self.connection.execute(ask.encode(), parameters or None).fetchall()
                return {id: bool(may) for id, may in rows}
        except psycopg.Error as error:
            return _Failed(from_postgres(error).message)

    def _callers(self) -> tuple[tuple[str, str], ...]:
        return self.machine.samples.claims

    def _claim(self, claims: str) -> None:
        self.connection.execute("select set_config('request.jwt.claims', %s, true)", (claims,))


class _Failed(dict[str, "bool | str | None"]):
    """The same message for every id."""

    def __init__(self, message: str) -> None:
        super().__init__()
        self.message = message

    def __missing__(self, id: str) -> str:
        return self.message


def _states(machine: Machine) -> tuple[tuple[str, ...], ...]:
    """The configurations to try, as paths of leaves."""
    states = machine.states
    if configurations.count(states) <= MOST:
        found = [configurations.paths(states, c) for c in configurations.configurations(states)]
    else:
        each = (configurations.completed(states, [state.index]) for state in states)
        found = [configurations.paths(states, c) for c in each if c is not None]
    return tuple(dict.fromkeys(found))


def _grouped(
    action: Action,
    event: str | None,
    instances: tuple[_Instance, ...],
    answers: dict[str, tuple[bool | str | None, ...]],
    all_states: int,
) -> Iterator[Row]:
    """One row for the states of a context that are answered alike; all of them need no name."""
    groups: dict[tuple[str, tuple[bool | str | None, ...]], list[tuple[str, ...]]] = {}
    for one in instances:
        groups.setdefault((one.context, answers[one.id]), []).append(one.state)
    for (context, may), states in groups.items():
        named = () if len(states) == all_states else tuple(states)
        yield Row(context, action, event, named, may)
