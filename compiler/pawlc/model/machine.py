"""The machine: a tree of states in document order and transitions whose every name is resolved.

A state is its index in `Machine.states` (pre-order, so the descendants of `s` are the indices `s +
1 … s.last`). Everything in which XState and W3C SCXML differ is data here, written by the front
end: `Transition.domain`, the order of `State.transitions`, the trigger's kind,
`Machine.regions_first`, `Machine.done_chain`, `Machine.strict`. The core reads them and has no
mode.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from pawlc.source import Span, Text

OUTSIDE = -1
"""The place above the root: the domain of a transition that exits and re-enters the root itself."""


class Kind(StrEnum):
    """The types of a state node (W3C SCXML 3.3, 3.4, 3.7, 3.10)."""

    ATOMIC = "atomic"
    COMPOUND = "compound"
    PARALLEL = "parallel"
    FINAL = "final"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class Ref:
    """A scope name inside an expression.

    space      name
    context    a field
    event      `type`, `data`, `output`, `error`, a declared field, `output.<f>`, `error.<f>`
    claims     ``
    now        ``
    self       `id`, `machine`, `version`, `seq`
    sender     `id`, `machine`
    in_state   the path of a state
    old        a field of the row that a migration reads

    `type` is the SQL type that its declaration gives a field of the context or the event.
    """

    space: Literal["context", "event", "claims", "now", "self", "sender", "in_state", "old"]
    name: str
    offset: int = 0
    type: str | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a part of an expression was written: an offset (0-based) of a scalar."""

    text: Text
    offset: int


@dataclass(frozen=True, slots=True)
class Expression:
    """An SQL expression whose scope names are `Ref`s between pieces of SQL text.

    `''.join` of the parts, each `Ref` rendered for the place where it will run, is valid SQL.
    `type` is the SQL type that the place wants (`boolean`, a column's type, `jsonb`, `interval`),
    or None for any. `literal` is True when it reads nothing and calls nothing. `origins`, one for
    each part or none at all, lead Postgres's complaints back to the file, through an expanded guard
    too.
    """

    source: Text
    parts: tuple[str | Ref, ...]
    type: str | None = None
    literal: bool = False
    origins: tuple[Origin, ...] = field(default=(), compare=False, repr=False)

    def refs(self) -> tuple[Ref, ...]:
        """The scope names it reads, in order, with repetitions."""
        return tuple(part for part in self.parts if isinstance(part, Ref))


@dataclass(frozen=True, slots=True)
class Check:
    """A check constraint of a field: an expression over that field alone (rendered as `Ref`)."""

    name: str | None
    expression: Expression


@dataclass(frozen=True, slots=True)
class Column:
    """A context or payload field.

    `references` is the rest of a foreign key clause as SQL (`app.customer (id) on delete
    restrict`), or None. `default` None means no default. `collate` is a collation as SQL (`"C"`) or
    None; it belongs to the column of the table and not to the type, since parameters and casts
    cannot carry it. `kept_in` is the table's column where that has another name: one of the field's
    name is an earlier version's, of another type.
    """

    name: str
    type: str
    not_null: bool
    default: Expression | None
    checks: tuple[Check, ...]
    references: str | None
    source: Text
    collate: str | None = None
    kept_in: str | None = None

    @property
    def column(self) -> str:
        """The column of the instance table that keeps the field."""
        return self.kept_in or self.name


@dataclass(frozen=True, slots=True)
class Event:
    """A declared event and its payload."""

    name: str
    fields: tuple[Column, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Effect:
    """The policy of an effect, defaults filled in; durations are texts that Postgres reads as
    interval.

    `returns` None: the output is untyped (`event.output` is jsonb). `slots_per` and `rate_by` name
    a field of the input, for each of whose values the limit holds.
    """

    name: str
    returns: tuple[Column, ...] | None
    timeout: str
    heartbeat: str | None
    start_within: str | None
    priority: int
    slots: int | None
    slots_per: str | None
    rate: int | None
    rate_per: str | None
    rate_by: str | None
    attempts: int
    backoff_first: str
    backoff_most: str
    not_retried: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Assign:
    """Fields set together from the context before it."""

    fields: tuple[tuple[str, Expression], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class PythonAssign:
    """Call a companion function that returns a dict; `fields` are the keys it can return, `certain`
    those that it returns always."""

    function: str
    arguments: tuple[Expression, ...]
    fields: tuple[str, ...]
    span: Span
    certain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Raise:
    """Put an event into the internal queue (W3C SCXML 4.2)."""

    event: str
    data: tuple[tuple[str, Expression], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class RaiseLater:
    """Set a timer that no state binds; its event, made now, is a macrostep of its own when due.

    `delay` gives an interval, or a timestamptz for a deadline. The same `id` again takes the place
    of the one that is pending; None: nothing can cancel it.
    """

    event: str
    data: tuple[tuple[str, Expression], ...]
    delay: Expression
    deadline: bool
    id: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Send:
    """Send an event to the instance `id` of a machine: a message, or `atomic` at once. Without a
    machine it is for the `child` of this invoke, or for the parent.

    With `delay` it is a timer that no state binds, as `RaiseLater`, whose message is made when it
    is due. `send_id` names that timer for `Cancel`; and undeliverable, the message comes back as
    `error.send.<send_id>`.
    """

    event: str
    machine: str | None
    id: Expression | None
    child: str | None
    data: tuple[tuple[str, Expression], ...]
    delay: Expression | None
    deadline: bool
    send_id: str | None
    atomic: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Cancel:
    """Void the pending `RaiseLater` or delayed `Send` of this id, if there is one."""

    id: str
    span: Span


@dataclass(frozen=True, slots=True)
class EmitEffect:
    """Enqueue an effect that nobody waits for."""

    effect: str
    input: tuple[tuple[str, Expression], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Log:
    """Write a line into the journal row of this macrostep."""

    value: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Block:
    """Actions that end at the first error, which becomes an internal event (W3C SCXML 3.12.2)."""

    actions: tuple["Action", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class If:
    """The first branch whose condition is true (W3C SCXML 4.3); None is `<else>`."""

    branches: tuple[tuple[Expression | None, tuple["Action", ...]], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class ForEach:
    """Actions for each item of an array (jsonb), with it in a field (W3C SCXML 4.6)."""

    array: Expression
    item: str
    index: str | None
    actions: tuple["Action", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class SessionSend:
    """An event to a session: this one's internal or external queue, now or later (W3C SCXML 6.2).

    `event`, `target`, `type` and `id` are texts, `data` is jsonb; None where nothing is written.
    `name` is the event where it is known. `to_internal` tells a `<raise>`. `delay` is an interval.
    """

    name: str | None
    event: Expression | None
    target: Expression | None
    type: Expression | None
    id: Expression | None
    idlocation: str | None
    delay: Expression | None
    data: tuple[tuple[str, Expression], ...] | Expression | None
    to_internal: bool
    span: Span


@dataclass(frozen=True, slots=True)
class CancelSend:
    """Void the delayed `SessionSend` whose id is computed."""

    id: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Fail:
    """What can only go wrong, such as an assignment to a system variable (W3C SCXML 5.10).

    `unreachable`: it is `error.communication`, not `error.execution`.
    """

    reason: str
    span: Span
    unreachable: bool = False


Action = (
    Assign
    | PythonAssign
    | Raise
    | RaiseLater
    | Send
    | Cancel
    | EmitEffect
    | Log
    | Block
    | If
    | ForEach
    | SessionSend
    | CancelSend
    | Fail
)


def inside(actions: tuple[Action, ...]) -> Iterator[Action]:
    """Actions with those that they contain, in order."""
    for action in actions:
        yield action
        match action:
            case Block() | ForEach():
                yield from inside(action.actions)
            case If():
                for _, branch in action.branches:
                    yield from inside(branch)
            case _:
                pass


@dataclass(frozen=True, slots=True)
class Exactly:
    """Matches one event name."""

    name: str


@dataclass(frozen=True, slots=True)
class Prefix:
    """Matches `name` and `name.…` (XState's `name.*`, SCXML's `name`)."""

    name: str


@dataclass(frozen=True, slots=True)
class AnyEvent:
    """Matches every event (`*`)."""


Trigger = Exactly | Prefix | AnyEvent


@dataclass(frozen=True, slots=True)
class Transition:
    """A candidate.

    `index` numbers all transitions of the machine in document order. `trigger` None means
    eventless. `targets` is empty for a targetless one, whose `domain` is None. Otherwise `domain`
    is the state whose active proper descendants are exited and below which the targets are entered;
    `OUTSIDE` when that includes the root. `label` is the line of the source map without file and
    line: `offered --accept [guard]--> preparing`.
    """

    index: int
    source: int
    trigger: Trigger | None
    guard: Expression | None
    targets: tuple[int, ...]
    domain: int | None
    actions: tuple[Action, ...]
    label: str
    span: Span

    @property
    def around(self) -> int | None:
        """The state below which the targets are entered: the domain, unless a state leads to the
        machine itself, which is entered without having been left, as in XState."""
        again = self.source != 0 and self.domain == 0 and self.targets == (0,)
        return OUTSIDE if again else self.domain


@dataclass(frozen=True, slots=True)
class Initial:
    """Where a compound state begins; `actions` run after its entry, before the children's."""

    targets: tuple[int, ...]
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Timer:
    """An `after` of a state: set on entry, void on exit.

    `name` is both the key in the instance's live timers and the type of the event that it sends:
    `after.<delay as written>.<path>`. `delay` gives an interval, or a timestamptz for a deadline.
    """

    name: str
    delay: Expression
    deadline: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Session:
    """How SCXML's `<invoke>` begins, when the macrostep is over (W3C SCXML 6.4).

    `type` and `source` are texts. `source` says what `Invoke.effect` then does not: the address of
    a machine, maybe one of `files`, or a document whose text is one of `documents`; both come with
    their machines. `is_family`: the machine is deployed with this one. `fails` is what can only
    go wrong. `finalize` runs before an event of the child is processed; `forwards`: the child gets
    every external event too.
    """

    type: Expression | None
    source: Expression | None
    documents: tuple[tuple[str, str], ...] | None
    files: tuple[tuple[str, str], ...]
    is_family: bool
    idlocation: str | None
    forwards: bool
    finalize: tuple[Action, ...]
    fails: Fail | None


@dataclass(frozen=True, slots=True)
class Invoke:
    """An effect bound to its state. `id` is unique in the machine (default `<path>.<effect>`).

    With `child`, `effect` is the name of a machine, of which an instance is created; `session` is
    what SCXML says besides. Its result is the event `done.invoke.<id>` or `error.invoke.<id>`.
    `observed`: before that, the machine takes `snapshot.invoke.<id>`.
    """

    id: str
    effect: str
    input: tuple[tuple[str, Expression], ...]
    span: Span
    child: bool = False
    observed: bool = False
    session: Session | None = None


@dataclass(frozen=True, slots=True)
class State:
    """A state node. `transitions` holds `on`, `after`, `onDone` and the invokes' in order of
    priority.

    The root's `path` is empty; dots inside a key are escaped in it. `last` is the index of its last
    descendant (itself if it has none). `history` and `history_default` speak of history states
    only; an empty default means the parent's own initial, with its actions. `done_output` speaks of
    final states only. `done` is the name of its done event; `restore` are the actions of a history
    state's default transition.
    """

    index: int
    path: str
    key: str
    kind: Kind
    parent: int | None
    children: tuple[int, ...]
    last: int
    initial: Initial | None
    transitions: tuple[Transition, ...]
    always: tuple[Transition, ...]
    entry: tuple[Action, ...]
    exit: tuple[Action, ...]
    timers: tuple[Timer, ...]
    invokes: tuple[Invoke, ...]
    done_output: tuple[tuple[str, Expression], ...] | Expression | None
    history: Literal["shallow", "deep"] | None
    history_default: tuple[int, ...]
    tags: tuple[str, ...]
    meta: str | None
    description: str | None
    span: Span
    done: str = ""
    restore: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class SendRule:
    """Event patterns (`accept`, `courier.*`, `*`) and the authorizer that admits them.

    `path` is the state that it stands in, and so the one that must be active for it to apply; empty
    for the machine's own.
    """

    patterns: tuple[Trigger, ...]
    rule: Expression
    path: str = ""


@dataclass(frozen=True, slots=True)
class Authorize:
    """The machine's authorizers; None or no rule closes that door to client roles.

    `read` has what the states say in it. Of `send`, all that apply must admit.
    """

    create: Expression | None
    read: Expression | None
    send: tuple[SendRule, ...]


@dataclass(frozen=True, slots=True)
class Samples:
    """Example callers and instances, (name, JSON object) each: claims, and fields of the context.

    They say nothing of the machine itself; the truth table of its authorizers is made for them.
    """

    claims: tuple[tuple[str, str], ...] = ()
    contexts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PythonFunction:
    """A companion function that becomes a PL/Python function in the machine's schema.

    `parameters` are (name, SQL type) in call order; `returns` is `boolean` for a guard, `jsonb` for
    an action. `body` is the whole text between the dollar quotes: what the function needs of its
    file, itself, and the call that returns.
    """

    name: str
    parameters: tuple[tuple[str, str], ...]
    returns: Literal["boolean", "jsonb"]
    body: str
    span: Span


@dataclass(frozen=True, slots=True)
class Move:
    """What becomes of one configuration of the earlier version; both are paths of leaves.

    A configuration's moves stand together; the first whose `guards` are all true counts, and the
    last has none. `kept_timers` pairs a timer of the earlier version with what it is called now;
    `kept_invokes` keep their ids. `timers` and `invokes` begin.
    """

    before: tuple[str, ...]
    guards: tuple[Expression, ...]
    after: tuple[str, ...]
    kept_timers: tuple[tuple[str, str], ...]
    kept_invokes: tuple[str, ...]
    timers: tuple[Timer, ...]
    invokes: tuple[Invoke, ...]


@dataclass(frozen=True, slots=True)
class Memory:
    """A history state of the earlier version and the one that remembers the same from now on.

    `renamed` pairs the remembered paths that are others now.
    """

    before: str
    after: str
    renamed: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Migration:
    """How the instances of version `version` become this one's.

    `context` has the fields that are computed; `carried` names those that stay as they are. All
    others get their default; `python` is called then. `columns` pairs fields of the earlier version
    with their columns where those have other names. `memories` are the history states whose memory
    goes on. `unbound` says that delayed events of the earlier version, or of one before it, stay
    pending; `pending` names those that the instance itself gets.
    """

    version: int
    moves: tuple[Move, ...]
    context: tuple[tuple[str, Expression], ...]
    carried: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    memories: tuple[Memory, ...]
    unbound: bool
    pending: tuple[str, ...]
    span: Span
    python: PythonAssign | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """A compiled definition, before any thought of SQL.

    `regions_first`: an ancestor of a parallel is asked for an event only when no region answered
    (XState). `done_chain`: `all` raises `done.state` for every completed ancestor, `grandparent`
    stops at the first parallel (W3C SCXML, enterStates). `errors`: an error undoes the
    macrostep, or becomes an internal event and events carry what `_event` shows (SCXML), where
    `output` is what the final states at the top give. `input`
    and `public` hold field names, `indexes` the expressions over the context that each is of.
    `reply`: clients who create or send are answered with the instance (`state`), or learn nothing
    of it (`none`).
    `microsteps` are the most of one macrostep. `back` are the earlier versions to which instances
    can go back, each with the one migration that leads from this version to it.
    `retention` is an interval.
    """

    name: str
    version: int
    file: str
    description: str | None
    context: tuple[Column, ...]
    input: tuple[str, ...]
    public: tuple[str, ...]
    events: tuple[Event, ...]
    effects: tuple[Effect, ...]
    authorize: Authorize
    states: tuple[State, ...]
    output: tuple[tuple[str, Expression], ...] | Expression | None
    python: tuple[PythonFunction, ...]
    strict: bool
    regions_first: bool = True
    done_chain: Literal["all", "grandparent"] = "all"
    indexes: tuple[tuple[Expression, ...], ...] = ()
    migrations: tuple[Migration, ...] = ()
    back: tuple["Machine", ...] = ()
    retention: str | None = None
    errors: Literal["fail", "event"] = "fail"
    reply: Literal["state", "none"] = "state"
    samples: Samples = field(default=Samples())
    realtime: bool = False
    microsteps: int = 1000

    @property
    def schema(self) -> str:
        """The machine's schema.

        A name too long for an identifier is refused by `check`, never shortened.
        """
        return f"pawl_{self.name}"

    def column_of(self, field: str) -> str:
        """The column of the instance table that keeps a field of the context."""
        return next((c.column for c in self.context if c.name == field), field)

    def actions(self) -> Iterator[Action]:
        """Every action, without those that another contains: of the states, then of transitions."""
        for state in self.states:
            yield from (*state.entry, *state.exit, *state.restore)
            if state.initial is not None:
                yield from state.initial.actions
            for invoke in state.invokes:
                yield from invoke.session.finalize if invoke.session is not None else ()
        for transition in self.transitions():
            yield from transition.actions

    def transitions(self) -> tuple[Transition, ...]:
        """Every transition, in document order."""
        found = (t for s in self.states for t in (*s.transitions, *s.always))
        return tuple(sorted(found, key=lambda t: t.index))
