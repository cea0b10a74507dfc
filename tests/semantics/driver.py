"""Drive the interpreter as an application drives an instance: create, send, wait, answer invokes.

What surrounds the macrostep in the database is here in its simplest form: the machine's clock, the
check of payloads, the refusals of a strict machine, the constraints of the context. The driver of
the database has the same methods.
"""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from pawlc.interpret import (
    CallPython,
    EndlessLoop,
    Environment,
    Evaluate,
    Event,
    Facts,
    Failed,
    LiveTimer,
    Outcome,
    Snapshot,
    initial,
    macrostep,
    migrated,
)
from pawlc.model import events
from pawlc.model.machine import Column, Machine, Migration
from tests.semantics.evaluate import SqlError
from tests.semantics.observed import Observed, message, observe

START = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    """A step that the database would refuse; `code` is the stable error code."""

    code: str


class Interpreted:
    """One instance. Every method returns what it shows; a refused step leaves all as it was."""

    def __init__(self, machine: Machine, evaluate: Evaluate) -> None:
        self.machine = machine
        self.evaluate = evaluate
        self.now = START
        self.seq = 0
        self.snapshot: Snapshot | None = None

    def create(self, input: Mapping[str, Any]) -> Observed:
        """Create the instance."""
        return self._try(partial(initial, self.machine, self.evaluate, input, self._facts()))

    def send(self, event: Mapping[str, Any]) -> Observed:
        """Send an external event, `{type: …, payload…}`."""
        return self._try(partial(self._sent, event))

    def advance(self, by: timedelta) -> Observed:
        """Move the clock, then fire what is due until nothing is; show it all as one step.

        A timer that fires late fires at the time that the clock shows, as in the database.
        """
        self.now += by
        shown = [self._unchanged()]
        failed: list[LiveTimer] = []
        while (timer := self._due(failed)) is not None:
            shown.append(self._fired(timer))
            if shown[-1].error:
                failed.append(timer)
        return _together(shown)

    def unsent(self, send: str, error: Any) -> Observed:
        """Give a message back: nobody could take it."""
        event = Event(events.error_send(send), error=error, external=False)
        return self._try(lambda: replace(self._step(event), handled=True))

    def done(self, invoke: str, output: Any) -> Observed:
        """Answer an invoke; `handled`: the instance still waited for it."""
        event = Event(events.done_invoke(invoke), output=output, external=False)
        return self._try(partial(self._answered, invoke, event))

    def error(self, invoke: str, error: Any) -> Observed:
        """Fail an invoke for good."""
        event = Event(events.error_invoke(invoke), error=error, external=False)
        return self._try(partial(self._answered, invoke, event))

    def tell(self, invoke: str, snapshot: Any) -> Observed:
        """An invoke goes on, and tells how far it is."""
        data = {"snapshot": snapshot}
        event = Event(events.snapshot_invoke(invoke), data, external=False)
        return self._try(partial(self._answered, invoke, event))

    def migrate(
        self, new: Machine, migration: Migration, python: CallPython | None = None
    ) -> Observed:
        """Let the instance become one of another version; one that fails stays as it is."""
        before, self.machine = self.machine, new
        assert self.snapshot is not None
        try:
            facts = self._facts()
            outcome = migrated(before, new, migration, self.snapshot, self.evaluate, facts, python)
            self._check_context(outcome.snapshot.context)
        except (Failed, Refused, SqlError):
            self.machine = before
            return replace(self._unchanged(), handled=False, error="needs_rescue")
        self.seq += 1
        self.snapshot = outcome.snapshot
        return observe(new, outcome)

    # --- inside -------------------------------------------------------------------------------

    def _facts(self) -> Facts:
        return Facts(id="i", seq=self.seq + 1, now=self.now)

    def _unchanged(self) -> Observed:
        if self.snapshot is None:
            return Observed()
        return observe(self.machine, Outcome(self.snapshot, (), handled=True))

    def _try(self, step: Callable[[], Outcome]) -> Observed:
        try:
            outcome = step()
            self._check_context(outcome.snapshot.context)
        except EndlessLoop:
            return replace(self._unchanged(), handled=False, error="endless_loop")
        except Refused as refusal:
            return replace(self._unchanged(), handled=False, error=refusal.code)
        if outcome.snapshot is not self.snapshot:
            self.seq += 1
        self.snapshot = outcome.snapshot
        return observe(self.machine, outcome)

    def _fired(self, timer: LiveTimer) -> Observed:
        """A timer fires: a macrostep, or a message that goes out without one."""
        if timer.message is None:
            return self._try(partial(self._step, timer.event))
        assert self.snapshot is not None
        left = tuple(t for t in self.snapshot.timers if t is not timer)
        self.snapshot = replace(self.snapshot, timers=left)
        return replace(self._unchanged(), sent=(message(timer.message),))

    def _step(self, event: Event) -> Outcome:
        assert self.snapshot is not None
        return macrostep(self.machine, self.snapshot, event, self.evaluate, self._facts())

    def _answered(self, invoke: str, event: Event) -> Outcome:
        assert self.snapshot is not None
        if invoke not in self.snapshot.invokes:
            return Outcome(self.snapshot, (), handled=False)
        return replace(self._step(event), handled=True)

    def _sent(self, event: Mapping[str, Any]) -> Outcome:
        assert self.snapshot is not None
        name = event["type"]
        payload = {key: value for key, value in event.items() if key != "type"}
        if self.snapshot.status != "running":
            raise Refused("not_running")
        outcome = self._step(Event(name, self._received(name, payload)))
        if not outcome.handled and self.machine.strict:
            raise Refused("guard_refused" if self._has_candidate(name) else "not_accepted")
        return outcome

    def _received(self, name: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """The payload with its defaults, as declared."""
        declared = next((e for e in self.machine.events if e.name == name), None)
        if declared is None:
            if self.machine.strict:
                raise Refused("unknown_event")
            return payload
        if payload.keys() - {column.name for column in declared.fields}:
            raise Refused("malformed_payload")
        filled = {c.name: self._filled(c, payload) for c in declared.fields}
        self._check(declared.fields, filled, Event(name, filled), "check_violated")
        return filled

    def _filled(self, column: Column, payload: Mapping[str, Any]) -> Any:
        value = payload.get(column.name)
        if column.name not in payload and column.default is not None:
            default = replace(column.default, type=column.type)
            value = self.evaluate(default, self._environment({}, Event("")))
        if value is None and column.not_null:
            raise Refused("malformed_payload")
        return value

    def _check_context(self, context: Mapping[str, Any]) -> None:
        for column in self.machine.context:
            if column.not_null and context[column.name] is None:
                raise Refused("not_null_violated")
        self._check(self.machine.context, context, Event(""), "check_violated")

    def _check(
        self, columns: tuple[Column, ...], context: Mapping[str, Any], event: Event, code: str
    ) -> None:
        """A check refuses what is false; null passes."""
        environment = self._environment(context, event)
        for check in (check for column in columns for check in column.checks):
            if self.evaluate(check.expression, environment) is False:
                raise Refused(code)

    def _environment(self, context: Mapping[str, Any], event: Event) -> Environment:
        return Environment(context, event, self._facts(), self.machine, ())

    def _has_candidate(self, name: str) -> bool:
        assert self.snapshot is not None
        return any(
            transition.trigger is not None and events.matches(transition.trigger, name)
            for index in self.snapshot.configuration
            for transition in self.machine.states[index].transitions
        )

    def _due(self, failed: Container[LiveTimer]) -> LiveTimer | None:
        """The timer that fires next, if one is due; one that failed backs off."""
        assert self.snapshot is not None
        ready = (t for t in self.snapshot.timers if due_at(t) <= self.now and t not in failed)
        return min(ready, key=due_at, default=None)


def due_at(timer: LiveTimer) -> datetime:
    """When a timer fires."""
    if timer.deadline:
        assert isinstance(timer.delay, datetime)
        return timer.delay
    assert isinstance(timer.since, datetime)
    assert isinstance(timer.delay, timedelta)
    return timer.since + timer.delay


def _together(shown: list[Observed]) -> Observed:
    """Several steps as one: the last instance, all that was done, the first failure."""
    error = next((one.error for one in shown if one.error), None)
    return replace(
        shown[-1],
        handled=error is None,
        error=error,
        effects=tuple(effect for one in shown for effect in one.effects),
        started=tuple(invoke for one in shown for invoke in one.started),
        sent=tuple(one for step in shown for one in step.sent),
        log=tuple(line for one in shown for line in one.log),
    )
