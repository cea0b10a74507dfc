"""What goes into the interpreter and what comes out: events, snapshots, the steps of a trace."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pawlc.model.machine import Expression, Machine


@dataclass(frozen=True, slots=True)
class Event:
    """An event under way. `external` ones come from a caller; a strict machine may refuse them.

    `timer` is the name of the timer that sends it, where that is not its type: a delayed `raise`.
    `fields` are what a session of SCXML knows of it, besides its name.
    """

    type: str
    payload: Mapping[str, object] = field(default_factory=dict)
    output: object = None
    error: object = None
    external: bool = True
    timer: str | None = None
    fields: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What an expression may read besides context and event: the same for a whole macrostep.

    `seq` counts macrosteps, this one included. `machines` are those that can be invoked by an
    address that is computed.
    """

    id: str = ""
    seq: int = 0
    now: object = None
    claims: object = None
    machines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Environment:
    """Everything that one evaluation sees. `states` are the paths of the active states.

    `old` is the context of the earlier version, in a migration.
    """

    context: Mapping[str, object]
    event: Event
    facts: Facts
    machine: Machine
    states: tuple[str, ...]
    old: Mapping[str, object] = field(default_factory=dict)


Evaluate = Callable[[Expression, Environment], object]
"""Answer an expression: None for SQL's null, Python values otherwise."""

CallPython = Callable[[str, tuple[object, ...]], Mapping[str, object]]
"""Call a companion function by its name and positional arguments."""

NO_FACTS = Facts()


@dataclass(frozen=True, slots=True)
class LiveTimer:
    """A timer that runs: `delay` is an interval counted from `since`, or a deadline.

    When it is due, `event` is a macrostep; or it sends `message`, which is none.
    """

    name: str
    delay: object
    deadline: bool
    since: object
    event: Event
    message: "Sent | None" = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An instance between two macrosteps.

    `configuration` holds the indices of all active states in document order; `history` maps a
    history state to what it remembers.
    """

    configuration: tuple[int, ...]
    context: Mapping[str, object]
    status: Literal["running", "done", "stopped"] = "running"
    output: object = None
    history: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    timers: tuple[LiveTimer, ...] = ()
    invokes: tuple[str, ...] = ()


# --- the trace --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Took:
    """A transition, by its index."""

    transition: int


@dataclass(frozen=True, slots=True)
class Exited:
    """A state was left."""

    state: int


@dataclass(frozen=True, slots=True)
class Entered:
    """A state was entered."""

    state: int


@dataclass(frozen=True, slots=True)
class Assigned:
    """Fields got these values."""

    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Raised:
    """An internal event was queued."""

    event: Event


@dataclass(frozen=True, slots=True)
class Emitted:
    """An effect was enqueued."""

    effect: str
    input: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class TimerSet:
    """A timer began to run."""

    timer: LiveTimer


@dataclass(frozen=True, slots=True)
class TimerVoided:
    """A running timer was stopped."""

    name: str


@dataclass(frozen=True, slots=True)
class InvokeStarted:
    """An invoked effect was enqueued."""

    id: str
    effect: str
    input: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class InvokeCancelled:
    """A running invoke lost its state."""

    id: str


@dataclass(frozen=True, slots=True)
class Sent:
    """An event went to another instance: of a machine, the child of an invoke, or the parent.

    `send_id`: the sender hears when it is undeliverable.
    """

    machine: str | None
    id: object
    child: str | None
    event: Event
    send_id: str | None
    atomic: bool


@dataclass(frozen=True, slots=True)
class Logged:
    """A line for the journal."""

    value: object


Step = (
    Took
    | Exited
    | Entered
    | Assigned
    | Raised
    | Emitted
    | TimerSet
    | TimerVoided
    | InvokeStarted
    | InvokeCancelled
    | Sent
    | Logged
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a macrostep. `handled`: a transition took the event itself."""

    snapshot: Snapshot
    trace: tuple[Step, ...]
    handled: bool


class Failed(Exception):
    """An expression that cannot be evaluated. In a chart from SCXML `event` is raised."""

    def __init__(self, why: str, event: str = "error.execution") -> None:
        super().__init__(why)
        self.event = event


class EndlessLoop(Exception):
    """A macrostep did not come to rest; `states` are the sources of its last transitions."""

    def __init__(self, states: tuple[str, ...], microsteps: int) -> None:
        names = ", ".join(states)
        super().__init__(f"no rest after {microsteps} microsteps, going round in: {names}")
        self.states = states
