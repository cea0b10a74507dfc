"""What the user wrote: the keys of XState's machine config plus what a database adds.

Every front end produces this; nothing is resolved yet. Names are `Text`, so that each can be
pointed at. Computed values are `Text` too, in SQL: `quoted` scalars keep that they were quoted.
YAML null, booleans and numbers arrive as the SQL literals `null`, `true`, `42`. Order of tuples is
the file's order.
"""

from dataclasses import dataclass, field
from typing import Literal

from pawlc.source import Span, Text


@dataclass(frozen=True, slots=True)
class Column:
    """A field and its SQL column definition, as in `total: numeric(10,2) not null`."""

    name: Text
    definition: Text


@dataclass(frozen=True, slots=True)
class Pair:
    """A name and the SQL expression computed for it."""

    name: Text
    value: Text


@dataclass(frozen=True, slots=True)
class PythonRef:
    """`{python: name}`: a function of the companion `.py`."""

    function: Text


@dataclass(frozen=True, slots=True)
class NamedRef:
    """`{type: name, params: …}`, or for actions a plain name: an entry of `guards:`, `actions:`."""

    name: Text
    params: tuple[Pair, ...] = ()


@dataclass(frozen=True, slots=True)
class Combined:
    """Guards joined by `and`, `or`, `not` (which takes one); one that is null counts as false."""

    operator: Literal["and", "or", "not"]
    guards: tuple["Guard", ...]
    span: Span


Guard = Text | NamedRef | PythonRef | Combined


@dataclass(frozen=True, slots=True)
class Assign:
    """Fields set together: every expression sees the context before the action."""

    fields: tuple[Pair, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Raise:
    """An internal event. With `delay` it comes later, as an event of its own that `id` can cancel.

    `delay` is an SQL expression, an interval or milliseconds as in `after`, or a name of `delays:`.
    """

    event: Text
    data: tuple[Pair, ...]
    delay: Text | None
    id: Text | None
    span: Span


@dataclass(frozen=True, slots=True)
class Receiver:
    """Another instance: a literal machine, and an SQL expression for its id; or the child that
    `invoke` began; with neither the parent."""

    machine: Text | None = None
    id: Text | None = None
    invoke: Text | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """An event for another instance, in a transaction of its own, or `atomic` in this one.

    `delay` is as in `Raise`. `id` names it for `cancel` and in `error.send.<id>`.
    """

    event: Text
    to: Receiver
    data: tuple[Pair, ...]
    delay: Text | None
    id: Text | None
    atomic: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Cancel:
    """`cancel: id`: take back the delayed `raise` or `send` of this id."""

    id: Text
    span: Span


@dataclass(frozen=True, slots=True)
class EmitEffect:
    """`effect: name` with its input."""

    effect: Text
    input: tuple[Pair, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Log:
    """A line for the journal: an SQL expression."""

    value: Text
    span: Span


@dataclass(frozen=True, slots=True)
class Block:
    """SCXML: executable content of one element. An error ends it and is an event (W3C 3.12.2)."""

    actions: tuple["Action", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class If:
    """SCXML: the first branch whose condition holds; the condition of `<else>` is None."""

    branches: tuple[tuple[Text | None, tuple["Action", ...]], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class ForEach:
    """SCXML: actions for each item of a JSON array, `item` and `index` fields of the context."""

    array: Text
    item: Text
    index: Text | None
    actions: tuple["Action", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class SessionSend:
    """SCXML's `<send>` and `<raise>`. All but `name` and `idlocation` are SQL expressions.

    `name` is the event where it is written out, else `event` computes it. Without `target` it goes
    to the external queue of the machine itself. `content` stands instead of `data`. `raised`: a
    `<raise>`.
    """

    name: Text | None
    event: Text | None
    target: Text | None
    type: Text | None
    id: Text | None
    idlocation: Text | None
    delay: Text | None
    data: tuple[Pair, ...]
    content: Text | None
    span: Span
    raised: bool = False


@dataclass(frozen=True, slots=True)
class CancelSend:
    """SCXML's `<cancel>`: an SQL expression for the id of a delayed `<send>`."""

    id: Text
    span: Span


@dataclass(frozen=True, slots=True)
class Fail:
    """SCXML: what can only go wrong when it is executed; `unreachable` is `error.communication`."""

    reason: str
    unreachable: bool
    span: Span


Action = (
    Assign
    | Raise
    | Send
    | Cancel
    | EmitEffect
    | Log
    | NamedRef
    | PythonRef
    | Block
    | If
    | ForEach
    | SessionSend
    | CancelSend
    | Fail
)


@dataclass(frozen=True, slots=True)
class Transition:
    """`targets` is None for a targetless one.

    `actions` begins with the transition's own `assign:`. `internal` is SCXML's `type="internal"`.
    """

    targets: tuple[Text, ...] | None
    guard: Guard | None
    actions: tuple[Action, ...]
    reenter: bool
    description: Text | None
    span: Span
    internal: bool = False


@dataclass(frozen=True, slots=True)
class Handler:
    """An event descriptor and its candidates in order; none = a forbidden event that bubbles."""

    descriptor: Text
    transitions: tuple[Transition, ...]


@dataclass(frozen=True, slots=True)
class After:
    """A delay (an interval, milliseconds, or a name of `delays:`) and its candidates."""

    delay: Text
    transitions: tuple[Transition, ...]


@dataclass(frozen=True, slots=True)
class Session:
    """What SCXML's `<invoke>` says of a session beside its machine.

    `type` and `source` are SQL expressions. `source` computes what is invoked, where that is not
    known: an address, of one of `files` or another, or the text of one of `documents`; both have
    their machines. `is_family`: it is deployed with the document. `fails` is what can only go
    wrong. `finalize` is executed before an event of the session is processed; `forwards`: it gets
    every external event.
    """

    type: Text | None
    source: Text | None
    documents: tuple[tuple[str, str], ...] | None
    files: tuple[tuple[str, str], ...]
    is_family: bool
    idlocation: Text | None
    forwards: bool
    finalize: tuple[Action, ...]
    fails: Fail | None


@dataclass(frozen=True, slots=True)
class Invoke:
    """An effect bound to its state; `machine` instead of `src` names a child machine, `session` is
    SCXML's."""

    src: Text | None
    machine: Text | None
    id: Text | None
    input: tuple[Pair, ...]
    on_done: tuple[Transition, ...]
    on_error: tuple[Transition, ...]
    on_snapshot: tuple[Transition, ...]
    span: Span
    session: Session | None = None


@dataclass(frozen=True, slots=True)
class Initial:
    """`initial: name`, or `{target, actions}`."""

    targets: tuple[Text, ...]
    actions: tuple[Action, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class SendRule:
    """One line of `authorize.send`: event patterns and the expression that admits them."""

    patterns: tuple[Text, ...]
    rule: Text


@dataclass(frozen=True, slots=True)
class Authorize:
    """The authorizers of the machine, or of a state (where only `read` and `send` make sense)."""

    create: Text | None
    read: Text | None
    send: tuple[SendRule, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class State:
    """A state node; the root is one too. `key` of the root is the machine's name.

    `restore` are the actions of a history state's default transition (SCXML).
    """

    key: Text
    type: Text | None
    id: Text | None
    initial: Initial | None
    states: tuple["State", ...]
    on: tuple[Handler, ...]
    after: tuple[After, ...]
    always: tuple[Transition, ...]
    on_done: tuple[Transition, ...]
    entry: tuple[Action, ...]
    exit: tuple[Action, ...]
    invoke: tuple[Invoke, ...]
    output: tuple[Pair, ...] | Text | None
    authorize: Authorize | None
    history: Text | None
    target: tuple[Text, ...] | None
    tags: tuple[Text, ...]
    meta: str | None
    description: Text | None
    span: Span
    restore: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """A declared event and its payload."""

    name: Text
    fields: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Backoff:
    """`2 s .. 5 min`: first and largest delay."""

    first: Text
    most: Text


@dataclass(frozen=True, slots=True)
class Limit:
    """`concurrency:` or `rate:`: so many, in an interval if it is a rate, for each value of a field
    of the input if one is named."""

    limit: Text | None
    interval: Text | None
    field: Text | None
    span: Span


@dataclass(frozen=True, slots=True)
class Effect:
    """The policy of an effect; None where the user said nothing. Durations are SQL intervals as
    text."""

    name: Text
    returns: tuple[Column, ...] | None
    timeout: Text | None
    heartbeat: Text | None
    start_within: Text | None
    priority: Text | None
    concurrency: Limit | None
    rate: Limit | None
    attempts: Text | None
    backoff: Backoff | None
    not_retried: tuple[Text, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Named:
    """An entry of `guards:` or `delays:`: a name, its parameters' names, its expression."""

    name: Text
    params: tuple[Text, ...]
    value: Text | PythonRef


@dataclass(frozen=True, slots=True)
class NamedActions:
    """An entry of `actions:`."""

    name: Text
    params: tuple[Text, ...]
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a state becomes if `guard`, over `old`, is true; without one in any case.

    The only target may be an SQL `case` that yields one.
    """

    guard: Text | PythonRef | None
    targets: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Become:
    """`offered: dispatching` under `migrate.<version>.states`: a state and what it becomes.

    The first choice whose guard is true counts.
    """

    state: Text
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A timer, invoke or history state of the new version and what a migration does about it."""

    name: Text
    rule: Text


@dataclass(frozen=True, slots=True)
class Migrate:
    """How the instances of one earlier version become this one's; `python` computes fields too.

    `back` says how this one's become that version's again, the roles of old and new exchanged.
    """

    version: Text
    states: tuple[Become, ...]
    context: tuple[Pair, ...]
    history: tuple[Rule, ...]
    timers: tuple[Rule, ...]
    invokes: tuple[Rule, ...]
    python: PythonRef | None = None
    back: "Migrate | None" = None


@dataclass(frozen=True, slots=True)
class Sample:
    """An example under a name: a JSON object, and its keys as written."""

    name: Text
    value: str
    keys: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Samples:
    """Example callers, by their claims, and example instances, by their context."""

    claims: tuple[Sample, ...] = ()
    contexts: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """A whole definition. `root` carries the keys of the root state; `public` None means all.

    `indexes` holds the expressions of each. `reading` says whose reading of statecharts decides
    where XState and W3C differ; `session` is the `name` of an `<scxml>`, `children` are the
    machines of what it invokes. `reply` is what clients are answered: the instance, or nothing of
    it. `microsteps` is the longest macrostep.
    """

    file: str
    name: Text
    version: int
    description: Text | None
    context: tuple[Column, ...]
    input: tuple[Text, ...]
    public: tuple[Text, ...] | None
    events: tuple[Event, ...]
    effects: tuple[Effect, ...]
    delays: tuple[Named, ...]
    guards: tuple[Named, ...]
    actions: tuple[NamedActions, ...]
    authorize: Authorize | None
    strict: bool
    root: State
    indexes: tuple[tuple[Text, ...], ...] = field(default=())
    migrate: tuple[Migrate, ...] = field(default=())
    retention: Text | None = field(default=None)
    reading: Literal["xstate", "scxml"] = "xstate"
    session: str = ""
    reply: Literal["state", "none"] = "state"
    samples: Samples = field(default=Samples())
    realtime: bool = False
    microsteps: int = 1000
    children: tuple["Machine", ...] = ()
