"""What a macrostep shows to the outside, in one shape for the interpreter and for Postgres.

Indices become paths; the order of states is document order, that of effects and log lines the order
of events; live timers and invokes are sorted by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pawlc.interpret import Emitted, InvokeStarted, Logged, Outcome, Sent
from pawlc.model import tree
from pawlc.model.machine import Machine


@dataclass(frozen=True, slots=True)
class Observed:
    """The instance after a step, and what the step did.

    `state` holds the paths of the active leaves. `effects` are the (name, input) that nobody waits
    for, `started` the (id, input) of invokes, `sent` the messages to other instances, each
    `{machine, id, event}`; `error` is the stable code of a refusal, in which case the instance is
    as it was before and nothing was done. Values are as JSON has them.
    """

    state: tuple[str, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)
    status: str = "running"
    output: Any = None
    handled: bool = True
    effects: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    started: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    timers: tuple[str, ...] = ()
    invokes: tuple[str, ...] = ()
    sent: tuple[Mapping[str, Any], ...] = ()
    log: tuple[str, ...] = ()
    error: str | None = None


def observe(machine: Machine, outcome: Outcome) -> Observed:
    """Look at what the interpreter did."""
    snapshot, trace = outcome.snapshot, outcome.trace
    leaves = tree.leaves(machine.states, snapshot.configuration)
    return Observed(
        state=tuple(machine.states[leaf].path for leaf in leaves),
        context=as_json(snapshot.context),
        status=snapshot.status,
        output=as_json(snapshot.output),
        handled=outcome.handled,
        effects=tuple((s.effect, as_json(s.input)) for s in trace if isinstance(s, Emitted)),
        started=tuple((s.id, as_json(s.input)) for s in trace if isinstance(s, InvokeStarted)),
        timers=tuple(sorted(timer.name for timer in snapshot.timers)),
        invokes=tuple(sorted(snapshot.invokes)),
        sent=tuple(message(s) for s in trace if isinstance(s, Sent)),
        log=tuple(as_text(s.value) for s in trace if isinstance(s, Logged)),
    )


def message(sent: Sent) -> Mapping[str, Any]:
    """A message as the database keeps it."""
    event = {"type": sent.event.type, **as_json(sent.event.payload)}
    return {"machine": sent.machine, "id": sent.id, "event": event}


def as_json(value: Any) -> Any:
    """What Postgres makes of a value by `to_jsonb`, in time zone UTC.

    >>> as_json({"at": datetime.fromisoformat("2024-01-01T00:00Z"), "tags": ["a"]})
    {'at': '2024-01-01T00:00:00+00:00', 'tags': ['a']}
    """
    match value:
        case Mapping():
            return {name: as_json(inner) for name, inner in value.items()}
        case list():
            return [as_json(inner) for inner in value]
        case datetime():
            return value.isoformat()
        case _:
            return value


def as_text(value: Any) -> str:
    """What Postgres makes of a value by `::text`; null is `''`, as the journal keeps it.

    >>> as_text(True), as_text(None), as_text(3)
    ('true', '', '3')
    """
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
