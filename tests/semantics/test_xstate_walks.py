"""The interpreter walks as xstate 5 did: real machines, random walks, recorded answers.

The recordings lie outside this repository; without them there is nothing to compare with. Two
things differ on purpose: `onSnapshot` does not exist here, and an eventless transition that changes
nothing is an endless loop (XState takes it once).
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pawlc.interpret import (
    Environment,
    Event,
    Facts,
    LiveTimer,
    Logged,
    Outcome,
    Snapshot,
    Step,
    initial,
    macrostep,
)
from pawlc.model import intervals
from pawlc.model.machine import Expression, Kind, Machine
from pawlc.model.resolve import resolve
from tests.semantics import xstate

WALKS = Path(__file__).parents[3] / "shared" / "suites" / "xstate-walks"
FILES = sorted(WALKS.glob("*.json")) if WALKS.is_dir() else []

DIFFERENT = {
    "other-ts_json__agent.examples.ticTacToe": "onSnapshot",
    "xstate-examples_json__workflow-reusing-functions.2": "onSnapshot",
    "xstate-examples_json__snake-react.snakeMachine": "endless loop",
}

GUARD = re.compile(r"('(?:[^']|'')*') is not null")
INTERVAL = re.compile(r"interval '([^']+)'")
UNHANDLED_ERROR = "error.invoke."


def evaluate(expression: Expression, environment: Environment) -> object:
    """Answer the three shapes of expression that `xstate` makes."""
    written = "".join(part for part in expression.parts if isinstance(part, str))
    if found := GUARD.fullmatch(written):
        answers = environment.event.payload.get("g", {})
        assert isinstance(answers, Mapping)
        return bool(answers.get(unquoted(found[1]), False))
    if found := INTERVAL.fullmatch(written):
        interval = intervals.parse(found[1])
        assert interval is not None
        return interval.microseconds // 1000 + interval.days * 86_400_000
    return unquoted(written)


def unquoted(constant: str) -> str:
    """
    >>> unquoted("'it''s'")
    "it's"
    """
    return constant[1:-1].replace("''", "'")


def load(path: Path) -> tuple[Machine, list[dict[str, Any]]]:
    """A machine and its walks."""
    suite = json.loads(path.read_text(encoding="utf-8"))
    guards = sorted(named_guards(suite["config"]))
    made, problems = resolve(xstate.machine(suite["config"], suite["delays"], guards))
    assert problems == ()
    return made, suite["walks"]


def named_guards(config: Any) -> set[str]:
    """Every guard that a config names, wherever."""
    match config:
        case dict():
            own = {config["guard"]["type"]} if isinstance(config.get("guard"), dict) else set()
            return own.union(*map(named_guards, config.values()))
        case list():
            return set().union(*map(named_guards, config))
        case _:
            return set()


def state_value(machine: Machine, configuration: tuple[int, ...], index: int = 0) -> Any:
    """XState's `state.value`: a name, or an object of regions; an empty object for a leaf."""
    state = machine.states[index]
    active = [machine.states[c] for c in state.children if c in configuration]
    if state.kind is Kind.COMPOUND and active[0].kind in (Kind.ATOMIC, Kind.FINAL):
        return active[0].key
    return {child.key: state_value(machine, configuration, child.index) for child in active}


def logged(trace: tuple[Step, ...]) -> list[object]:
    """The names of the actions that ran."""
    return [step.value for step in trace if isinstance(step, Logged)]


def due_at(timer: LiveTimer) -> int:
    """When a timer fires, in milliseconds."""
    assert isinstance(timer.since, int)
    assert isinstance(timer.delay, int)
    return timer.since + timer.delay


class Walker:
    """An instance on its way, with a clock in milliseconds."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.clock = 0
        self.failed = False
        self.outcome = initial(machine, evaluate, {}, Facts(now=0))

    @property
    def snapshot(self) -> Snapshot:
        return self.outcome.snapshot

    def step(self, step: Mapping[str, Any]) -> list[object]:
        """Take one step of a walk; return the names of the actions that ran."""
        if "advance" in step:
            return [name for outcome in self._advance(step["advance"]) for name in logged(outcome)]
        name = xstate.event_name(step["event"]["type"])
        outcome = self._send(Event(name, dict(step["event"])))
        if name.startswith(UNHANDLED_ERROR) and not outcome.handled:
            self.failed = True
        return logged(outcome.trace)

    def _send(self, event: Event) -> Outcome:
        facts = Facts(now=self.clock)
        self.outcome = macrostep(self.machine, self.snapshot, event, evaluate, facts)
        return self.outcome

    def _advance(self, milliseconds: int) -> Iterator[tuple[Step, ...]]:
        until = self.clock + milliseconds
        while due := sorted(
            (moment, number, timer.name)
            for number, timer in enumerate(self.snapshot.timers)
            if (moment := due_at(timer)) <= until
        ):
            self.clock, _, name = due[0]
            yield self._send(Event(name, external=False)).trace
        self.clock = until

    def observed(self, actions: list[object]) -> dict[str, Any]:
        """What the recording says of a step."""
        status = "active" if self.snapshot.status == "running" else "done"
        active = [self.machine.states[index] for index in self.snapshot.configuration]
        tags = sorted({tag for state in active for tag in state.tags})
        return {
            "status": "error" if self.failed else status,
            "value": state_value(self.machine, self.snapshot.configuration),
            "actions": actions,
            **({"tags": tags} if tags else {}),
        }


@pytest.mark.skipif(not FILES, reason="the recorded walks are not here")
@pytest.mark.parametrize(
    "path", [path for path in FILES if path.stem not in DIFFERENT], ids=lambda path: path.stem
)
def test_every_walk_goes_as_in_xstate(path: Path) -> None:
    machine, walks = load(path)
    for number, walk in enumerate(walks):
        walker = Walker(machine)
        assert walker.observed(logged(walker.outcome.trace)) == walk["initial"], number
        for step in walk["steps"]:
            assert walker.observed(walker.step(step)) == step["expect"], (number, step)
