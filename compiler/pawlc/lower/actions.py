"""Actions as statements. Commands are kept in arrays and written after the macrostep, so what may
fail runs before anything is written."""

from typing import assert_never

from pawlc.lower import session, target
from pawlc.lower.payload import convert, source_comment
from pawlc.lower.plan import Plan
from pawlc.lower.scope import Scope, typed
from pawlc.lower.target import Body, Branch, Select, Set, Statement
from pawlc.lower.variables import field, own
from pawlc.model import events
from pawlc.model.machine import (
    Action,
    Assign,
    Block,
    Cancel,
    CancelSend,
    EmitEffect,
    Expression,
    Fail,
    ForEach,
    If,
    Invoke,
    Log,
    PythonAssign,
    Raise,
    RaiseLater,
    Send,
    SessionSend,
    Timer,
)
from pawlc.sql import Sql, boolean, ident, join, jsonb, literal, sql, text_array

_ARGUMENTS = 40
"""Pairs in one `jsonb_build_object`; a function takes at most 100 arguments."""


def build_object(pairs: tuple[tuple[Sql, Sql], ...]) -> Sql:
    """A jsonb object of computed values.

    >>> build_object(((literal("a"), sql("1")),))
    "jsonb_build_object('a', 1)"
    """
    if not pairs:
        return sql("'{{}}'::jsonb")
    chunks = [pairs[i : i + _ARGUMENTS] for i in range(0, len(pairs), _ARGUMENTS)]
    return join(
        " || ",
        [
            sql("jsonb_build_object({})", join(", ", [x for pair in chunk for x in pair]))
            for chunk in chunks
        ],
    )


def values(plan: Plan, pairs: tuple[tuple[str, Expression], ...], event: str | None) -> Sql:
    """An `input`, `data` or `output` mapping as a jsonb object."""
    scope = Scope(plan, event)
    return build_object(tuple((literal(name), scope.sql(value)) for name, value in pairs))


def run(plan: Plan, actions: tuple[Action, ...], event: str | None, depth: int = 0) -> Body:
    """Actions in order; `event` is the event under way where the code knows it, `depth` the number
    of loops around."""
    body: list[Statement] = []
    for action in actions:
        match action:
            case Assign():
                body += _assign(plan, action, event)
            case PythonAssign():
                body += python(plan, action, event)
            case Raise():
                body.append(append("queue", _event(plan, action, event)))
            case RaiseLater():
                body += _raise_later(plan, action, event)
            case Send():
                body += _send(plan, action, event)
            case Cancel():
                body += _cancel(plan, action.id)
            case EmitEffect():
                body.append(
                    append(
                        "effects", _command(action.effect, None, values(plan, action.input, event))
                    )
                )
            case Log():
                body.append(append("log", _line(plan, action, event)))
            case Block():
                body.append(source_comment(action.span, "content"))
                body += session.block(plan, action, event, depth)
            case If():
                body += session.choose(plan, action, event, depth)
            case ForEach():
                body += session.loop(plan, action, event, depth)
            case SessionSend():
                body += session.send(plan, action, event)
            case CancelSend():
                body += session.cancel(plan, action, event)
            case Fail():
                body += session.fail(action)
            case _:
                assert_never(action)
    return tuple(body)


def _event(plan: Plan, action: Raise | RaiseLater | Send, event: str | None) -> Sql:
    """A raised event as jsonb."""
    scope = Scope(plan, event)
    payload = ((literal(name), scope.sql(value)) for name, value in action.data)
    return event_object(action.event, tuple(payload))


def event_object(name: str, data: tuple[tuple[Sql, Sql], ...] = ()) -> Sql:
    r"""An event as jsonb: a constant where it carries nothing.

    >>> event_object("done")
    '\'{"type": "done"}\'::jsonb'
    """
    if not data:
        return jsonb({"type": name})
    return build_object(((literal("type"), literal(name)), *data))


def _raise_later(plan: Plan, action: RaiseLater, event: str | None) -> Body:
    """Set a timer for an event; one with the same id, set just before, is not stored at all."""
    made = _event(plan, action, event)
    if action.id is not None:
        name = events.raised_later(action.id)
        before = forget("due", (name,))
        set_it = _set_timer(plan, literal(name), action.delay, action.deadline, made, event)
        return (*before, *set_it)
    return (*_number(), *_set_timer(plan, own("timer"), action.delay, action.deadline, made, event))


def _number() -> Body:
    """The name of a timer that nothing can cancel."""
    number = sql("format('raise.%s.%s', {}, {})", own("seq"), own("raised"))
    return (Set(own("raised"), sql("{} + 1", own("raised"))), Set(own("timer"), number))


def _send(plan: Plan, action: Send, event: str | None) -> Body:
    """A message; a delayed one is a timer first, whose event says what to send."""
    receiver = sql("null") if action.id is None else Scope(plan, event).sql(action.id)
    child = literal(action.child)
    made = _event(plan, action, event)
    returns = action.send_id is not None and plan.hears(events.error_send(action.send_id))
    send_id = literal(action.send_id if returns else None)
    if action.delay is None:
        parts = (literal(action.machine), receiver, made, send_id, boolean(action.atomic), child)
        command = sql("row({})::pawl.message_command", join(", ", parts))
        return (append("messages", command),)
    later = build_object(
        (
            (literal("type"), literal("pawl.send")),
            (literal("machine"), literal(action.machine)),
            (literal("id"), receiver),
            (literal("event"), made),
            (literal("send_id"), send_id),
            *(((literal("child"), child),) if action.child is not None else ()),
        )
    )
    if action.send_id is None:
        numbered = _set_timer(plan, own("timer"), action.delay, action.deadline, later, event)
        return (*_number(), *numbered)
    name = events.sent_later(action.send_id)
    set_it = _set_timer(plan, literal(name), action.delay, action.deadline, later, event)
    return (*forget("due", (name,)), *set_it)


def _cancel(plan: Plan, id: str) -> Body:
    """Void a delayed `raise`, and a delayed `send` where one has the id."""
    sent = (events.sent_later(id),) if plan.is_sent_later(id) else ()
    names = (events.raised_later(id), *sent)
    gone = literal(names[0]) if len(names) == 1 else text_array(names)
    return (Set(own("timers"), sql("{} - {}", own("timers"), gone)), *forget("due", names))


def forget(commands: str, names: tuple[str, ...]) -> Body:
    """Take timers or invokes off what is still to be enqueued."""
    kept = sql("pawl.without({}, {})", own(commands), text_array(names))
    return (target.If((Branch(is_enqueued(commands), (Set(own(commands), kept),)),)),)


def is_enqueued(commands: str) -> Sql:
    """Whether the macrostep has commands of this kind."""
    return sql("{} is not null", own(commands))


def _line(plan: Plan, action: Log, event: str | None) -> Sql:
    value = Scope(plan, event).sql(action.value)
    is_text = action.value.literal and value.startswith(("'", "$"))
    return value if is_text else sql("({})::text", value)


def append(array: str, value: Sql) -> Set:
    """Add to one of the arrays of commands."""
    return Set(own(array), sql("array_append({}, {})", own(array), value))


def start(plan: Plan, invoke: Invoke, event: str | None) -> Body:
    """Start an invoke: its effect, and its place among the live ones. One of SCXML waits."""
    if invoke.session is not None:
        return (append("invoking", literal(invoke.id)),)
    command = _command(invoke.effect, invoke.id, values(plan, invoke.input, event))
    return (append("started", command), _enlist("invokes", literal(invoke.id)))


def set_timer(plan: Plan, timer: Timer, event: str | None) -> Body:
    """Set a timer: when it is due, and its place among the live ones."""
    return _set_timer(plan, literal(timer.name), timer.delay, timer.deadline, sql("null"), event)


def _set_timer(
    plan: Plan, name: Sql, delay: Expression, deadline: bool, made: Sql, event: str | None
) -> Body:
    due = _due(plan, name, delay, deadline, event)
    command = sql("row({}, {}, {})::pawl.timer_command", name, due, made)
    return (append("due", command), _enlist("timers", name))


def _due(plan: Plan, name: Sql, delay: Expression, deadline: bool, event: str | None) -> Sql:
    """When a timer is due; a computed delay may turn out to be null."""
    value = Scope(plan, event).sql(delay)
    if value.startswith("interval '") and value.count("'") == 2 and value.endswith("'"):
        return sql("self.now + {}", value)
    due = value if deadline else sql("self.now + ({})", value)
    return sql("pawl.due_at({}, {})", name, due)


def _enlist(live: str, name: Sql) -> Set:
    entry = sql("jsonb_build_object({}, self.seq)", name)
    return Set(own(live), sql("{} || {}", own(live), entry))


def _command(effect: str, invoke: str | None, input: Sql) -> Sql:
    return sql("row({}, {}, {})::pawl.effect_command", literal(effect), literal(invoke), input)


def _assign(plan: Plan, action: Assign, event: str | None) -> Body:
    """Assignments in an order in which none overwrites what a later one reads."""
    types = {column.name: column.type for column in plan.machine.context}
    left = dict(action.fields)
    ordered: list[str] = []
    while left:
        free = [n for n in left if not any(_reads(v, n) for m, v in left.items() if m != n)]
        if not free:
            return (
                *_sets(plan, action, ordered, types, event),
                _together(plan, left, types, event),
            )
        ordered.append(free[0])
        del left[free[0]]
    return _sets(plan, action, ordered, types, event)


def _reads(value: Expression, name: str) -> bool:
    return any(ref.space == "context" and ref.name == name for ref in value.refs())


def _sets(
    plan: Plan, action: Assign, order: list[str], types: dict[str, str], event: str | None
) -> Body:
    chosen = dict(action.fields)
    return tuple(Set(field(n), typed(plan, chosen[n], types[n], event)) for n in order)


def _together(
    plan: Plan, left: dict[str, Expression], types: dict[str, str], event: str | None
) -> Select:
    """Assignments that read each other's fields: all are computed before any is stored."""
    return Select(
        columns=tuple(typed(plan, value, types[name], event) for name, value in left.items()),
        into=tuple(field(name) for name in left),
    )


def python(plan: Plan, action: PythonAssign, event: str | None, version: int | None = None) -> Body:
    """Call a companion function, this version's or another's, and set the fields it returns."""
    types = {column.name: column.type for column in plan.machine.context}
    scope = Scope(plan, event)
    arguments = join(", ", [scope.sql(argument) for argument in action.arguments])
    of = plan.machine.version if version is None else version
    function = ident(plan.machine.schema, f"v{of}_{action.function}")
    body: list[Statement] = [
        source_comment(action.span, f"python {action.function}"),
        Set(own("python"), sql("{}({})", function, arguments)),
    ]
    for name in action.fields:
        value = convert(own("python"), name, types[name])
        body.append(
            target.If((Branch(sql("self.python ? {}", literal(name)), (Set(field(name), value),)),))
        )
    return tuple(body)
