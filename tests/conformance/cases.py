"""A case of an outside suite in one shape, whatever it looked like there.

A `Chart` is an XState machine config as JSON text, with the companion that implements its names;
several cases may share one. A `Case` is one run of it: what must be seen at first, and after each
step. Judged is the exact equality of status, value and tags, and of the order of actions.

The companion implements an action by `log`, so the actions that ran are the lines of the log, and a
guard by a call of `conformance.answer`, which the engines prepare with `Answers` before each step.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """What shows after a step. `actions` are the names of those that ran, in order; `started` the
    ids of the invokes that began, which nobody compares.

    What is wanted may leave the actions and the context open.
    """

    status: str
    value: Any
    actions: tuple[str, ...] | None
    tags: tuple[str, ...] = ()
    context: Json | None = None
    started: tuple[str, ...] = ()

    def differences(self, wanted: "Seen") -> tuple[str, ...]:
        """How this differs from what was wanted."""
        pairs: list[tuple[str, Any, Any]] = [
            ("status", self.status, wanted.status),
            ("value", self.value, wanted.value),
            ("tags", self.tags, wanted.tags),
        ]
        if wanted.actions is not None:
            pairs.append(("actions", self.actions, wanted.actions))
        if wanted.context is not None and self.context is not None:
            shared = {name: self.context.get(name) for name in wanted.context}
            pairs.append(("context", shared, dict(wanted.context)))
        return tuple(
            f"{name} {found!r}, not {want!r}" for name, found, want in pairs if found != want
        )


@dataclass(frozen=True, slots=True)
class Answers:
    """What guards say during a step.

    `by_event` are pairs of an event's type, in Pawl's words, and a guard: true for that event and
    false for all others. `in_order` are the answers of the guards in the order in which XState
    asked; a guard that is asked more often than that repeats its last answer.
    """

    by_event: tuple[tuple[str, str], ...] = ()
    in_order: tuple[tuple[str, bool], ...] = ()

    def of(self, guard: str) -> tuple[bool, ...]:
        """The answers in order of one guard."""
        return tuple(answer for name, answer in self.in_order if name == guard)


@dataclass(frozen=True, slots=True)
class Begin:
    """A state to begin in: a state value, and the context as far as it is said."""

    value: Any
    context: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """An event, or milliseconds that pass, and what must be seen then."""

    event: Json | None
    advance: int | None
    answers: Answers
    wanted: Seen

    def __str__(self) -> str:
        return f"{self.advance} ms" if self.event is None else str(self.event["type"])


@dataclass(frozen=True, slots=True)
class Chart:
    """A machine config and its companion, as texts."""

    config: str
    companion: str


@dataclass(frozen=True, slots=True)
class Case:
    """One run of a chart.

    `begin` is the state in which the instance is put first; None lets it begin by itself. `wanted`
    is what is seen at first, None if nobody looks. `tells`: an actor tells a snapshot as it begins,
    as every actor of XState does, without a step that says so. `reason` says why the case is not
    applicable.
    """

    suite: str
    group: str
    name: str
    chart: Chart
    wanted: Seen | None = None
    answers: Answers = field(default_factory=Answers)
    begin: Begin | None = None
    steps: tuple[Step, ...] = ()
    tells: bool = False
    reason: str | None = None

    @property
    def title(self) -> str:
        """The case's name within its suite."""
        return f"{self.group}/{self.name}"
