"""The first engine: the reference interpreter."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pawlc.interpret import (
    EndlessLoop,
    Environment,
    Event,
    Facts,
    InvokeStarted,
    LiveTimer,
    Logged,
    Outcome,
    Snapshot,
    Step,
    initial,
    macrostep,
)
from pawlc.model import intervals
from pawlc.model.machine import Expression, Kind, Machine, Ref
from pawlc.parse.xstate.names import Names
from tests.conformance.cases import Answers, Begin, Seen
from tests.semantics.evaluate import evaluate as evaluate_sql

_ASKS = re.compile(r"conformance\.answer\(('(?:[^']|'')*'), event\.type\)")
_INTERVAL = re.compile(r"interval '([^']+)'")
_JSON = re.compile(r"('(?:[^']|'')*')::jsonb")
STOP = "xstate.stop"
"""Ends an instance from outside, without a macrostep."""
_CONSTANT = re.compile(r"'(?:[^']|'')*'")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")


class Interpreted:
    """One instance of a machine, with a clock in milliseconds."""

    def __init__(self, machine: Machine, names: Names) -> None:
        self.machine = machine
        self.names = names
        self.clock = 0
        self.status: str | None = None
        self.answers = Answers()
        self.asked: dict[str, int] = {}
        self.snapshot = Snapshot((), {})

    def start(self, answers: Answers) -> Seen:
        """Create the instance."""
        self._prepare(answers)
        outcome = initial(self.machine, self._evaluate, {}, Facts(now=0))
        self.snapshot = outcome.snapshot
        return self._seen(outcome.trace)

    def begin(self, begin: Begin) -> Seen:
        """Put the instance into a state; no timer runs and nothing is invoked."""
        configuration = configuration_of(self.machine, begin.value)
        context = {c.name: begin.context.get(c.name) for c in self.machine.context}
        self.snapshot = Snapshot(configuration, context)
        return self._seen(())

    def send(self, event: Mapping[str, Any], answers: Answers) -> Seen:
        """Process an event.

        XState ends a machine with an error if no transition takes the error of an actor. Pawl lets
        the instance go on and keeps the error in `dead_letter`; here that counts as the same.
        """
        if event["type"] == STOP:
            return self._stop()
        self._prepare(answers)
        name = self.names.event(event["type"])
        outcome = self._process(Event(name, dict(event), output=event.get("output")))
        if name.startswith("error.invoke.") and not outcome.handled:
            self.status = "error"
        return self._seen(outcome.trace)

    def advance(self, milliseconds: int, answers: Answers) -> Seen:
        """Let time pass; a timer fires at its time."""
        self._prepare(answers)
        return self._seen(tuple(step for one in self._fire(milliseconds) for step in one.trace))

    def _fire(self, milliseconds: int) -> Iterator[Outcome]:
        self.clock += milliseconds
        while due := sorted(
            (moment, number, timer.name)
            for number, timer in enumerate(self.snapshot.timers)
            if (moment := due_at(timer)) <= self.clock
        ):
            _, _, name = due[0]
            yield self._process(Event(name, external=False))

    def _stop(self) -> Seen:
        """An end from outside: every invoke is cancelled, nothing else is done."""
        cancelled = ("xstate.stopChild",) * len(self.snapshot.invokes)
        self.snapshot = replace(self.snapshot, invokes=())
        self.status = "stopped"
        return replace(self._seen(()), actions=cancelled)

    def _process(self, event: Event) -> Outcome:
        facts = Facts(now=self.clock)
        outcome = macrostep(self.machine, self.snapshot, event, self._evaluate, facts)
        self.snapshot = outcome.snapshot
        return outcome

    # --- expressions --------------------------------------------------------------------------

    def _prepare(self, answers: Answers) -> None:
        self.answers = answers
        self.asked = {}

    def _evaluate(self, expression: Expression, environment: Environment) -> object:
        """A guard, a delay or a line of the log; the rest is small SQL."""
        written = "".join(part for part in expression.parts if isinstance(part, str))
        if found := _INTERVAL.fullmatch(written):
            interval = intervals.parse(found[1])
            assert interval is not None
            return interval.microseconds // 1000 + interval.days * 86_400_000
        if found := _JSON.fullmatch(written):
            return json.loads(_unquoted(found[1]))
        if _CONSTANT.fullmatch(written):
            return _unquoted(written)
        if _NUMBER.fullmatch(written):
            return json.loads(written)
        if _ASKS.search(_flat(expression)):
            return evaluate_sql(self._answered(expression, environment), environment)
        return evaluate_sql(expression, environment)

    def _answered(self, expression: Expression, environment: Environment) -> Expression:
        """The expression with `true` or `false` for each question."""

        def answer(match: re.Match[str]) -> str:
            return str(self._answer(_unquoted(match[1]), environment.event.type)).lower()

        pieces = re.split(r"\{\{(.*?)\}\}", _ASKS.sub(answer, _flat(expression)))
        parts = [Ref("in_state", p) if n % 2 else p for n, p in enumerate(pieces)]
        return Expression(expression.source, tuple(parts), expression.type)

    def _answer(self, guard: str, event: str) -> bool:
        if self.answers.in_order:
            answers = self.answers.of(guard)
            asked = self.asked.get(guard, 0)
            self.asked[guard] = asked + 1
            return answers[min(asked, len(answers) - 1)] if answers else False
        return (event, guard) in self.answers.by_event

    # --- what shows ---------------------------------------------------------------------------

    def _seen(self, trace: tuple[Step, ...]) -> Seen:
        active = [self.machine.states[index] for index in self.snapshot.configuration]
        status = "active" if self.snapshot.status == "running" else "done"
        return Seen(
            status=self.status or status,
            value=state_value(self.machine, self.snapshot.configuration),
            actions=tuple(str(step.value) for step in trace if isinstance(step, Logged)),
            tags=tuple(sorted({tag for state in active for tag in state.tags})),
            context=self.snapshot.context,
            started=tuple(step.id for step in trace if isinstance(step, InvokeStarted)),
        )


def _flat(expression: Expression) -> str:
    """An expression as text, the paths of `in_state` in double braces."""
    parts = (
        part
        if isinstance(part, str)
        else f"{{{{{part.name}}}}}"
        if part.space == "in_state"
        else f"{part.space}.{part.name}"
        for part in expression.parts
    )
    return "".join(parts)


def _unquoted(constant: str) -> str:
    """
    >>> _unquoted("'it''s'")
    "it's"
    """
    return constant[1:-1].replace("''", "'")


def due_at(timer: LiveTimer) -> int:
    """When a timer fires, in milliseconds."""
    assert isinstance(timer.since, int)
    assert isinstance(timer.delay, int)
    return timer.since + timer.delay


def configuration_of(machine: Machine, value: Any) -> tuple[int, ...]:
    """The active states that a state value names, in document order."""

    def inside(index: int, value: Any) -> Iterator[int]:
        yield index
        chosen = {value: {}} if isinstance(value, str) else value
        for child in machine.states[index].children:
            if machine.states[child].key in chosen:
                yield from inside(child, chosen[machine.states[child].key])

    return tuple(inside(0, value))


def state_value(machine: Machine, configuration: tuple[int, ...], index: int = 0) -> Any:
    """XState's `state.value`: a name, or an object of regions; an empty object for a leaf."""
    state = machine.states[index]
    active = [machine.states[c] for c in state.children if c in configuration]
    if state.kind is Kind.COMPOUND and active[0].kind in (Kind.ATOMIC, Kind.FINAL):
        return active[0].key
    return {child.key: state_value(machine, configuration, child.index) for child in active}


__all__ = ["EndlessLoop", "Interpreted", "state_value"]
