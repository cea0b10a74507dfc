"""Reading an instance into variables, writing it back with its commands, answering the caller."""

from collections.abc import Callable

from pawlc.lower import configuration
from pawlc.lower.actions import build_object
from pawlc.lower.payload import source_comment
from pawlc.lower.plan import Plan
from pawlc.lower.scope import Scope
from pawlc.lower.target import (
    Body,
    Branch,
    Call,
    Each,
    If,
    Insert,
    Select,
    Statement,
    Update,
)
from pawlc.lower.variables import field, own
from pawlc.model.machine import (
    Action,
    Assign,
    Column,
    ForEach,
    Kind,
    PythonAssign,
    SessionSend,
    inside,
)
from pawlc.sql import Sql, boolean, ident, join, literal, sql, text_array

_UNREACHABLE = literal("unreachable")

READ = ("iid", "status", "seq", "timers", "invokes", "history", "output")
"""System columns that a macrostep reads, besides `ctid` and the leaf."""


def instance(plan: Plan) -> Sql:
    """The instance table."""
    return ident(plan.machine.schema, "instance")


def needed(plan: Plan) -> tuple[str, ...]:
    """The system columns that this machine's macrosteps read."""
    has_history = any(s.kind is Kind.HISTORY for s in plan.machine.states)
    unneeded = {
        *(() if has_history else ("history",)),
        *(() if plan.timers else ("timers",)),
        *(() if plan.invokes else ("invokes",)),
        *(() if plan.machine.output is not None else ("output",)),
    }
    return tuple(name for name in READ if name not in unneeded)


def read(plan: Plan, lock: bool) -> Select:
    """Read the instance called `p_id` if it runs this version."""
    system = needed(plan)
    context = plan.machine.context
    place = (sql("i.ctid"),) if lock else ()
    state, working = configuration.column(plan, ident("i"))
    return Select(
        columns=(
            *place,
            state,
            *(sql("i.{}", ident(name)) for name in system),
            *(sql("i.{}", ident(column.column)) for column in context),
        ),
        into=(
            *((own("tid"),) if lock else ()),
            working,
            *(own(name) for name in system),
            *(field(column.name) for column in context),
        ),
        source=sql("{} i", instance(plan)),
        where=sql("i.id = p_id and i.version = {}", plan.machine.version),
        lock=lock,
    )


def check(plan: Plan, columns: tuple[Column, ...]) -> Body:
    """Refuse what the table's constraints would, without showing the row as Postgres does."""
    body: list[Statement] = []
    for column in columns:
        conditions = _violations(plan, column)
        if conditions:
            body.append(source_comment(column.source.span, f"context {column.name}"))
            body += conditions
    return tuple(body)


def _violations(plan: Plan, column: Column) -> Body:
    body: list[Statement] = []
    machine = (literal(plan.machine.name), own("id"), literal(column.name))
    if column.not_null:
        missing = Call(ident("pawl", "raise_not_null"), machine)
        body.append(If((Branch(sql("{} is null", field(column.name)), (missing,)),)))
    for one in column.checks:
        condition = Scope(plan).sql(one.expression)
        broken = Call(
            ident("pawl", "raise_check"), (*machine, literal(one.expression.source.value))
        )
        body.append(If((Branch(sql("({}) is false", condition), (broken,)),)))
    return tuple(body)


def assigned(plan: Plan) -> tuple[Column, ...]:
    """The context fields that any action of the machine sets."""
    names = {name for action in _actions(plan) for name in _targets(action)}
    names |= {i.session.idlocation for i in plan.sessions if i.session and i.session.idlocation}
    return tuple(column for column in plan.machine.context if column.name in names)


def _actions(plan: Plan) -> tuple[Action, ...]:
    return tuple(inside(plan.actions))


def _targets(action: Action) -> tuple[str, ...]:
    match action:
        case Assign():
            return tuple(name for name, _ in action.fields)
        case PythonAssign():
            return action.fields
        case ForEach():
            return (action.item,) if action.index is None else (action.item, action.index)
        case SessionSend(idlocation=str() as place):
            return (place,)
        case _:
            return ()


def update(plan: Plan) -> Update:
    """Store the macrostep's result in the row that is locked."""
    system = tuple(n for n in needed(plan) if n != "iid")
    return Update(
        table=instance(plan),
        values=(
            (ident("state"), configuration.stored(plan)),
            *((ident(name), own(name)) for name in system),
            (ident("updated_at"), sql("self.now")),
            *((ident(column.column), field(column.name)) for column in assigned(plan)),
        ),
        where=sql("ctid = self.tid"),
    )


def write_commands(plan: Plan) -> Body:
    """Enqueue the macrostep's effects and timers."""
    body: list[Statement] = []
    if effects := [own(a) for a in effect_arrays(plan)]:
        body.append(_each(effects, "v_command", _start(plan)))
    if plan.timers:
        body.append(_each([own("due")], "v_timer", _timer(plan)))
    return tuple(body)


def post_messages(plan: Plan) -> Body:
    """Send what the macrostep has for other instances, when all of it is stored."""
    if not plan.messages:
        return ()
    arguments = (
        literal(plan.machine.name),
        own("iid"),
        own("id"),
        own("seq"),
        own("messages"),
    )
    post = Call(ident("pawl", "post_messages"), arguments)
    return (If((Branch(sql("self.messages is not null"), (post,)),)),)


def effect_arrays(plan: Plan) -> tuple[str, ...]:
    """The arrays of effects that the machine can fill, in the order in which they are enqueued."""
    used = (("effects", plan.effects), ("started", plan.invokes))
    return tuple(array for array, is_used in used if is_used)


def _start(plan: Plan) -> Statement:
    """Enqueue an effect, or create the instance of an invoked machine."""
    if not plan.children:
        return _effect(plan)
    is_child = sql("v_command.invoke_id = any ({})", text_array(plan.children))
    observed = plan.observed_children
    is_observed = (sql("v_command.invoke_id = any ({})", text_array(observed)),) if observed else ()
    arguments = (
        literal(plan.machine.name),
        own("iid"),
        own("id"),
        own("seq"),
        ident("v_command", "invoke_id"),
        ident("v_command", "effect"),
        ident("v_command", "input"),
        *is_observed,
    )
    if plan.sessions:
        more = (boolean(False), _version(plan), _UNREACHABLE)
        return Call(ident("pawl", "start_child"), (*arguments, *more))
    start = Call(ident("pawl", "start_child"), arguments)
    return If((Branch(is_child, (start,)),), (_effect(plan),))


def _version(plan: Plan) -> Sql:
    """The version of an invoked session: this machine's, of what is deployed with it."""
    version = sql("{}", plan.machine.version)
    sessions = [(invoke.id, invoke.session) for invoke in plan.sessions]
    ours = tuple(id for id, session in sessions if session is not None and session.is_family)
    if len(ours) == len(sessions):
        return version
    if not ours:
        return sql("null")
    return sql("case when v_command.invoke_id = any ({}) then {} end", text_array(ours), version)


def stop_children(plan: Plan) -> Body:
    """Stop the instances of invoked machines whose state was left."""
    if not plan.children:
        return ()
    arguments = (literal(plan.machine.name), own("iid"), own("id"), own("invokes"))
    return (Call(ident("pawl", "stop_children"), arguments),)


def tell_parent(plan: Plan, ended: Sql) -> If:
    """Tell a parent, if there is one, that the machine has ended: a look is cheaper than a call."""
    machine = literal(plan.machine.name)
    child = sql("(select from pawl.child c where c.machine = {} and c.id = self.id)", machine)
    output = own("output") if plan.machine.output is not None else sql("null")
    arguments = (machine, own("iid"), own("id"), literal("done"), output)
    tell = Call(ident("pawl", "tell_parent"), arguments)
    return If((Branch(sql("{} and exists {}", ended, child), (tell,)),))


def _each(arrays: list[Sql], variable: str, statement: Statement) -> If:
    filled = join(" or ", [sql("{} is not null", array) for array in arrays])
    loop = Each(ident(variable), join(" || ", arrays), (statement,))
    return If((Branch(filled, (loop,)),))


def _effect(plan: Plan) -> Insert:
    values = {
        "machine": literal(plan.machine.name),
        "version": sql("{}", plan.machine.version),
        "iid": own("iid"),
        "id": own("id"),
        "seq": own("seq"),
        "effect": ident("v_command", "effect"),
        "invoke_id": ident("v_command", "invoke_id"),
        "input": ident("v_command", "input"),
        "created_at": own("now"),
    }
    return _insert("outbox", values)


def _timer(plan: Plan) -> Insert:
    values = {
        "machine": literal(plan.machine.name),
        "iid": own("iid"),
        "name": ident("v_timer", "name"),
        "seq": own("seq"),
        "due_at": ident("v_timer", "due_at"),
        **({"event": ident("v_timer", "event")} if plan.unbound else {}),
    }
    return _insert("timer", values)


def write_journal(plan: Plan, event: Sql, sent: bool = False) -> Insert:
    """The journal row of the macrostep; a `sent` event may be a timer's or an invoke's."""
    source = sent and (plan.timers or plan.invokes or plan.messages)
    values = {
        "machine": literal(plan.machine.name),
        "iid": own("iid"),
        "seq": own("seq"),
        "version": sql("{}", plan.machine.version),
        "event": event,
        "state": configuration.stored(plan),
        "caller": sql("pawl.caller()"),
        "sub": sql("self.claims ->> 'sub'"),
        "trusted": sql("self.claims is null and p_sender is null"),
        **({"source": ident("p_source")} if source else {}),
        "sender": ident("p_sender"),
        **({"log": own("log")} if plan.log else {}),
    }
    return _insert("journal", values)


def _insert(table: str, values: dict[str, Sql]) -> Insert:
    return Insert(ident("pawl", table), tuple((ident(n), v) for n, v in values.items()))


def public(plan: Plan) -> Sql:
    """The public context as jsonb."""
    return build_object(tuple((literal(name), field(name)) for name in plan.machine.public))


def answer(plan: Plan, value: Sql, give: Callable[[Sql], Statement]) -> Body:
    """Give whoever created or sent his answer; with `reply: none` a client learns nothing."""
    if plan.machine.reply == "state":
        return (give(value),)
    machine = (literal("machine"), literal(plan.machine.name))
    receipt = build_object(((literal("id"), own("id")), machine))
    return (If((Branch(sql("self.claims is null"), (give(value),)),), (give(receipt),)),)


def reply(plan: Plan, handled: Sql | None) -> Sql:
    """An instance as the API returns it; `handled` is what `send_event` adds."""
    pairs = [
        (literal("id"), own("id")),
        (literal("seq"), own("seq")),
        (literal("context"), public(plan)),
    ]
    if plan.masks:
        pairs.append((literal("status"), own("status")))
    if plan.machine.output is not None:
        pairs.append((literal("output"), own("output")))
    if handled is not None:
        pairs.append((literal("handled"), handled))
    function = ident(plan.machine.schema, f"{plan.version}_state")
    constant = sql("{}({})", function, configuration.stored(plan))
    return join(" || ", [constant, build_object(tuple(pairs))])
