"""What only charts from SCXML have: errors that are events, branches and loops, `<send>`.

A block of executable content is a block of PL/pgSQL whose handler raises `error.execution`: what it
did before the error stays, since variables are not undone, and nothing is written in it. An
undelayed event to the session itself waits in `self.external` and is processed in the same
transaction, after the internal queue.
"""

from collections.abc import Callable

from pawlc.lower import actions
from pawlc.lower.plan import Plan, may_leave
from pawlc.lower.scope import Scope
from pawlc.lower.target import (
    Block,
    Body,
    Branch,
    Call,
    Each,
    Handler,
    If,
    Set,
    Statement,
    Variable,
)
from pawlc.lower.variables import field, own
from pawlc.model import machine as model
from pawlc.model.machine import Expression, Ref
from pawlc.sql import Sql, boolean, ident, join, jsonb, literal, sql, typename

PARENT = "#_parent"

_SESSION = sql("self.machine || '/' || self.id")


def variables(plan: Plan) -> tuple[Variable, ...]:
    """What the blocks of a macrostep work with; `frame` leaves out what is not named."""
    if plan.machine.errors == "fail":
        return ()
    text = sql("text")
    found = [
        Variable(ident("external"), sql("jsonb[]")),
        Variable(ident("holds"), sql("boolean")),
        Variable(ident("sendid"), text),
        Variable(ident("target"), text),
        Variable(ident("done_data"), sql("jsonb")),
        Variable(ident("invoking"), sql("text[]")),
        Variable(ident("child"), text),
    ]
    for depth in range(1, _depth(plan) + 1):
        found.append(Variable(ident(f"v_item_{depth}"), sql("jsonb")))
        found.append(Variable(ident(f"v_index_{depth}"), sql("integer")))
    return tuple(found)


def _depth(plan: Plan) -> int:
    """How deep loops are nested."""

    def deepest(found: tuple[model.Action, ...]) -> int:
        return max((_nested(action) for action in found), default=0)

    def _nested(action: model.Action) -> int:
        match action:
            case model.ForEach():
                return 1 + deepest(action.actions)
            case model.Block():
                return deepest(action.actions)
            case model.If():
                return max(deepest(branch) for _, branch in action.branches)
            case _:
                return 0

    return deepest(plan.actions)


# --- events -----------------------------------------------------------------------------------


def receive(plan: Plan, source: Sql) -> Body:
    """Set `_event`, where anything reads it."""
    if ("event", "scxml") not in plan.uses:
        return ()
    return (Set(ident("event", "scxml"), sql("pawl.scxml_event({})", source)),)


def next_external(forward: Body) -> Body:
    """Take the first event of the external queue when the internal one is empty."""
    return (
        Set(own("cause"), sql("self.external[1]")),
        Set(own("external"), sql("self.external[2:]")),
        *forward,
    )


# --- errors -----------------------------------------------------------------------------------


def block(plan: Plan, action: model.Block, event: str | None, depth: int) -> Body:
    """A block of executable content: at the first error it ends."""
    inside = actions.run(plan, action.actions, event, depth)
    return (*_forgetting(plan), *attempt(inside))


def _forgetting(plan: Plan) -> Body:
    return (Set(own("sendid"), sql("null")),) if plan.sends else ()


def attempt(inside: Body) -> Body:
    """Statements of which the first error is an event, and the end."""
    raised = sql("pawl.scxml_error(sqlstate, sqlerrm, {})", own("sendid"))
    handler = Handler(sql("others"), (actions.append("queue", raised),))
    return (Block(None, (), inside, handler),)


def ask(plan: Plan, condition: Sql) -> Body:
    """Set `self.holds`: what cannot be evaluated is false, and an error."""
    inside: Body = (Set(own("holds"), sql("coalesce({}, false)", condition)),)
    return (Set(own("holds"), boolean(False)), *_forgetting(plan), *attempt(inside))


def is_sure(expression: Expression) -> bool:
    """Whether a condition cannot fail: nothing but states, `true` and `false`, or `x is null`."""
    match expression.parts:
        case (Ref(space="context"), " is null"):
            return True
        case _:
            pass
    words = " ".join(p for p in expression.parts if isinstance(p, str)).lower().split()
    states = all(p.space == "in_state" for p in expression.parts if isinstance(p, Ref))
    return states and set(words) <= {"true", "false", "not", "and", "or", "(", ")"}


def output(plan: Plan, value: Sql) -> tuple[Body, Sql]:
    """The data of a done event, empty after an error."""
    inside: Body = (Set(own("done_data"), value),)
    before = (Set(own("done_data"), sql("null")), *_forgetting(plan), *attempt(inside))
    return before, own("done_data")


def fail(action: model.Fail) -> Body:
    """What can only go wrong."""
    name = "unreachable" if action.unreachable else "illegal"
    return (Call(ident("pawl", name), (literal(action.reason),)),)


# --- branches and loops -----------------------------------------------------------------------


def choose(plan: Plan, action: model.If, event: str | None, depth: int) -> Body:
    """The first branch whose condition holds; each is asked when the ones before did not hold."""
    body: Body = ()
    for condition, branch in reversed(action.branches):
        doing = actions.run(plan, branch, event, depth)
        if condition is None:
            body = doing
        elif is_sure(condition):
            body = (_if(Scope(plan, event).sql(condition), doing, body),)
        else:
            asked = ask(plan, Scope(plan, event).sql(condition))
            body = (*asked, _if(own("holds"), doing, body))
    return body


def _if(condition: Sql, doing: Body, otherwise: Body) -> If:
    if not doing:
        return If((Branch(sql("not ({})", condition), otherwise),))
    return If((Branch(condition, doing),), otherwise)


def loop(plan: Plan, action: model.ForEach, event: str | None, depth: int) -> Body:
    """The array is looked at once; each item stands in a field."""
    item, index = ident(f"v_item_{depth + 1}"), ident(f"v_index_{depth + 1}")
    types = {column.name: column.type for column in plan.machine.context}
    items = sql("pawl.json_items({})", Scope(plan, event).sql(action.array))
    inside: list[Statement] = [Set(field(action.item), _as(item, types[action.item]))]
    before: Body = ()
    if action.index is not None:
        before = (Set(index, sql("0")),)
        counted = index if types[action.index] != "jsonb" else sql("to_jsonb({})", index)
        inside += [Set(field(action.index), counted), Set(index, sql("{} + 1", index))]
    inside += actions.run(plan, action.actions, event, depth + 1)
    return (*before, Each(item, items, tuple(inside)))


def _as(item: Sql, type: str) -> Sql:
    if type == "jsonb":
        return item
    return sql("({} #>> '{{}}')::{}", item, typename(type))


# --- sending ----------------------------------------------------------------------------------


def send(plan: Plan, action: model.SessionSend, event: str | None) -> Body:
    """Put an event into a queue of this session, or on its way to another, now or by a timer."""
    scope = Scope(plan, event)

    def made(part: Expression | None) -> Sql:
        return sql("null") if part is None else scope.sql(part)

    name = literal(action.name) if action.event is None else made(action.event)
    body: list[Statement] = [*_identified(plan, action, made(action.id))]
    target, sender = _target(plan, action, made)
    if target == own("target"):
        live = own("invokes") if plan.invokes else jsonb({})
        wanted = (made(action.target), made(action.type), _SESSION, live)
        body.append(Set(target, sql("pawl.scxml_target({})", join(", ", wanted))))
    id = own("sendid") if action.id is not None or action.idlocation else sql("null")
    message = sql("pawl.scxml_sent({}, {}, {}, {})", name, _data(plan, action, event), id, sender)
    if action.delay is not None:
        if target != _SESSION:
            message = sql("pawl.scxml_late({}, {}, {})", target, message, _SESSION)
        return (*body, *_later(plan, action, message, event), *_forgetting(plan))
    forgetting = () if action.to_internal else _forgetting(plan)
    return (*body, *_posted(target, message, may_leave(action)), *forgetting)


def _target(
    plan: Plan, action: model.SessionSend, made: Callable[[Expression | None], Sql]
) -> tuple[Sql, Sql]:
    """Where an event goes, and who is named as its sender: nobody in the internal queue.

    Null is the internal queue, the session its own external one.
    """
    constant = made(action.target)
    if action.to_internal or (action.type is None and constant == literal("#_internal")):
        return sql("null"), sql("null")
    if action.target is None and action.type is None:
        return _SESSION, _SESSION
    if action.type is None and constant == literal(PARENT):
        return constant, _SESSION
    return own("target"), sql("case when self.target is not null then {} end", _SESSION)


def _posted(target: Sql, message: Sql, leaves: bool) -> Body:
    away = actions.append("messages", sql("pawl.scxml_message({}, {})", target, message))
    if target == sql("null"):
        return (actions.append("queue", message),)
    if target == _SESSION:
        return (actions.append("external", message),)
    if target == literal(PARENT):
        return (away,)
    ours = Branch(sql("self.target = {}", _SESSION), (actions.append("external", message),))
    queued = Branch(sql("self.target is null"), (actions.append("queue", message),))
    return (If((queued, ours), (away,)) if leaves else If((queued,), ours.body),)


def _identified(plan: Plan, action: model.SessionSend, id: Sql) -> Body:
    if action.idlocation is not None:
        types = {column.name: column.type for column in plan.machine.context}
        made = own("sendid")
        stored = sql("to_jsonb({})", made) if types[action.idlocation] == "jsonb" else made
        return (*_new_name("sendid"), Set(field(action.idlocation), stored))
    return (Set(own("sendid"), id),) if action.id is not None else ()


def _new_name(variable: str) -> Body:
    return (
        Set(own("raised"), sql("{} + 1", own("raised"))),
        Set(own(variable), sql("format('raise.%s.%s', {}, {})", own("seq"), own("raised"))),
    )


def _data(plan: Plan, action: model.SessionSend, event: str | None) -> Sql:
    match action.data:
        case None:
            return sql("null")
        case Expression():
            return Scope(plan, event).sql(action.data)
        case tuple():
            return actions.values(plan, action.data, event)


def _later(plan: Plan, action: model.SessionSend, message: Sql, event: str | None) -> Body:
    """A timer that no state binds. Its name is its own: several of one id may be pending."""
    assert action.delay is not None
    naming: Body = _new_name("timer")
    if action.id is not None or action.idlocation is not None:
        number = sql("{} + 1", own("raised"))
        named = sql("format('raise %s %s.%s', self.sendid, self.seq, self.raised)")
        naming = (Set(own("raised"), number), Set(own("timer"), named))
    due = sql("pawl.due_at({}, self.now + {})", own("timer"), Scope(plan, event).sql(action.delay))
    command = sql("row({}, {}, {})::pawl.timer_command", own("timer"), due, message)
    live = sql("{} || jsonb_build_object({}, self.seq)", own("timers"), own("timer"))
    return (*naming, actions.append("due", command), Set(own("timers"), live))


def cancel(plan: Plan, action: model.CancelSend, event: str | None) -> Body:
    """Void the delayed events of an id."""
    named = sql("pawl.scxml_timers({}, {})", own("timers"), own("timer"))
    return (
        Set(own("timer"), Scope(plan, event).sql(action.id)),
        Set(own("due"), sql("pawl.without({}, {})", own("due"), named)),
        Set(own("timers"), sql("{} - {}", own("timers"), named)),
    )
