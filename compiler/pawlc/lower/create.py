"""`v1_create`: authorise, reduce from nothing, store."""

from pawlc.lower import authorize, configuration, store
from pawlc.lower.frame import (
    BIGINT,
    JSONB,
    TEXT,
    TIME,
    arrays,
    blocks,
    cursors,
    guarded,
    name,
    protected,
)
from pawlc.lower.payload import fields, source_comment
from pawlc.lower.plan import Plan
from pawlc.lower.scope import typed
from pawlc.lower.table import SYSTEM
from pawlc.lower.target import (
    Body,
    Branch,
    Call,
    Function,
    If,
    Insert,
    Parameter,
    Return,
    Set,
    Statement,
    Variable,
)
from pawlc.lower.variables import field, own
from pawlc.model import events
from pawlc.sql import Sql, ident, jsonb, literal, sql


def create(plan: Plan) -> Function:
    """Create an instance; an id that is taken is refused."""
    reduced = sql("{}(self.instance, null, null, self.now, self.claims)", name(plan, "reduce"))
    taken = Call(ident("pawl", "raise_exists"), (literal(plan.machine.name), own("id")))
    body: Body = (
        Set(ident("event", "type"), literal(events.CREATION)),
        guarded(plan, sql("null"), _arrival(plan)),
        *_row(plan),
        Set(own("step"), reduced),
        Set(own("instance"), ident("self", "step", "p_instance")),
        *_result(plan),
        *protected(plan, plan.machine.context, _insert(plan)),
        If((Branch(sql("self.iid is null"), (taken,)),)),
        *store.write_commands(plan),
        store.write_journal(plan, _journalled()),
        *store.post_messages(plan),
        *_end(plan),
        *store.answer(plan, store.reply(plan, None), Return),
    )
    return Function(
        name=name(plan, "create"),
        parameters=(
            Parameter(ident("p_id"), TEXT),
            Parameter(ident("p_input"), JSONB),
            Parameter(ident("p_sender"), sql("text[]"), sql("null")),
        ),
        returns=JSONB,
        body=blocks(plan, _variables(plan), body, arrives=False),
        language="plpgsql",
        comment="Create an instance: authorise, run the initial macrostep, store it",
    )


def _variables(plan: Plan) -> tuple[Variable, ...]:
    output = (Variable(ident("output"), JSONB),) if plan.machine.output is not None else ()
    return (
        Variable(ident("id"), TEXT, ident("p_id"), constant=True),
        Variable(ident("iid"), BIGINT),
        Variable(ident("seq"), BIGINT, sql("1::bigint"), constant=True),
        *configuration.variables(plan),
        *((Variable(ident("status"), TEXT),) if plan.masks else ()),
        Variable(ident("now"), TIME, sql("pawl.now()"), constant=True),
        Variable(
            ident("claims"),
            JSONB,
            sql("case when p_sender is null then pawl.claims() end"),
            constant=True,
        ),
        Variable(ident("instance"), store.instance(plan)),
        Variable(ident("step"), sql("record")),
        *output,
        *arrays(plan),
        *cursors(plan),
    )


def _arrival(plan: Plan) -> Body:
    """The creator's fields, the defaults of the others, the authorizer on the row that would be."""
    machine = plan.machine
    given = tuple(c for c in machine.context if c.name in machine.input)
    takes = {c.name: field(c.name) for c in given}
    # What a session of SCXML does not declare is not given to it (W3C SCXML 6.4).
    kin = sql("p_sender is not null") if machine.errors == "event" else None
    defaults: list[Statement] = []
    for column in machine.context:
        if column.name not in machine.input and column.default is not None:
            value = typed(plan, column.default, column.type, None)
            defaults.append(source_comment(column.source.span, f"context {column.name}"))
            defaults.append(Set(field(column.name), value))
    return (
        *(() if machine.authorize.create is not None else authorize.create(plan)),
        source_comment(machine.states[0].span, "event create"),
        *fields(
            plan, None, ident("p_input"), given, takes, (), closed=True, checks=False, unless=kin
        ),
        *defaults,
        *(authorize.create(plan) if machine.authorize.create is not None else ()),
    )


def _row(plan: Plan) -> Body:
    """The row as it is before its first state."""
    system: dict[str, Sql] = {
        "id": own("id"),
        "version": sql("{}", plan.machine.version),
        "status": literal("running"),
        "seq": sql("0"),
        "created_at": own("now"),
        "timers": jsonb({}),
        "invokes": jsonb({}),
        "history": jsonb({}),
    }
    context = {c.column: field(c.name) for c in plan.machine.context}
    return tuple(Set(_column(n), v) for n, v in {**system, **context}.items())


def _column(name: str) -> Sql:
    return ident("self", "instance", name)


def _result(plan: Plan) -> Body:
    """Take the reduced row and its commands apart."""
    state, working = configuration.column(plan, ident("self", "instance"))
    body: list[Statement] = [Set(working, state)]
    if plan.masks:
        body.append(Set(own("status"), _column("status")))
    body += [Set(field(c.name), _column(c.column)) for c in store.assigned(plan)]
    if plan.machine.output is not None:
        body.append(Set(own("output"), _column("output")))
    if plan.effects or plan.invokes:
        array = "effects" if plan.effects else "started"
        body.append(Set(own(array), ident("self", "step", "p_effects")))
    if plan.timers:
        body.append(Set(own("due"), ident("self", "step", "p_timers")))
    if plan.messages:
        body.append(Set(own("messages"), ident("self", "step", "p_messages")))
    if plan.log:
        body.append(Set(own("log"), ident("self", "step", "p_log")))
    return tuple(body)


def _end(plan: Plan) -> Body:
    """An instance may end as it begins."""
    if not plan.can_end:
        return ()
    ended = sql("{} <> 'running'", _column("status"))
    return (store.tell_parent(plan, ended),)


def _insert(plan: Plan) -> Insert:
    system = (name for name, _, _ in SYSTEM if name not in ("iid", "needs_rescue"))
    values = {n: _column(n) for n in (*system, *(c.column for c in plan.machine.context))}
    values["seq"] = own("seq")
    return Insert(
        store.instance(plan),
        tuple((ident(n), v) for n, v in values.items()),
        conflict=sql("(id) do nothing"),
        returning=(ident("iid"), own("iid")),
    )


def _journalled() -> Sql:
    return sql("jsonb_build_object('type', {}, 'input', p_input)", literal(events.CREATION))
