"""The frame of a generated function: its labelled blocks, its variables, its error handlers."""

import re
from dataclasses import replace

from pawlc.lower import configuration, parallel, session, store
from pawlc.lower.plan import Plan
from pawlc.lower.scope import context_variables, event_variables
from pawlc.lower.target import (
    Block,
    Body,
    Branch,
    Call,
    Diagnose,
    Handler,
    If,
    Select,
    Set,
    Statement,
    Variable,
)
from pawlc.lower.variables import own
from pawlc.model.machine import Column
from pawlc.sql import Sql, ident, literal, sql

TEXT, JSONB, BIGINT, TIME = sql("text"), sql("jsonb"), sql("bigint"), sql("timestamptz")

_DIAGNOSTICS = ("detail", "hint", "context", "constraint")


def name(plan: Plan, what: str) -> Sql:
    """The name of one of the version's functions."""
    return ident(plan.machine.schema, f"{plan.version}_{what}")


def blocks(
    plan: Plan, own_variables: tuple[Variable, ...], body: Body, arrives: bool = True
) -> Block:
    """The blocks `self`, `context` and `event` around a body; `arrives`: `p_event` is there.

    Variables that the body does not name are left out, and blocks without variables.
    """
    text = _text(body)
    for label, variables in (
        ("event", event_variables(plan, arrives)),
        ("context", context_variables(plan.machine.context)),
    ):
        named = tuple(v for v in variables if _names(text, f"{label}.{v.name}"))
        body = (Block(ident(label), named, body),) if named else body
    outer = tuple(v for v in (*_constants(plan), *own_variables) if _names(text, _own_name(v)))
    return Block(ident("self"), outer, body)


def after(reads: Body, body: Body) -> Body:
    """A body after what it needs of `reads`, which take a row apart into variables."""
    text = _text(body)
    needed: list[Statement] = []
    for statement in reads:
        match statement:
            case Select(columns=columns, into=into):
                pairs = [p for p in zip(columns, into, strict=True) if _names(text, p[1])]
                columns, into = zip(*pairs, strict=True)
                needed.append(replace(statement, columns=columns, into=into))
            case Set(target=target) if not _names(text, target):
                pass
            case _:
                needed.append(statement)
    return (*needed, *body)


def _text(body: Body) -> str:
    return repr(body).replace("\\'", "'")


def _names(text: str, name: str) -> bool:
    return re.search(re.escape(name) + r"(?!\w)", text) is not None


def _own_name(variable: Variable) -> str:
    """How a body names a variable of `self`; cursors stand alone."""
    return variable.name if variable.name.startswith("v_") else f"self.{variable.name}"


def _constants(plan: Plan) -> tuple[Variable, ...]:
    """`self.machine` and `self.version`, where an expression reads them."""
    machine = Variable(ident("machine"), TEXT, literal(plan.machine.name), constant=True)
    version = Variable(
        ident("version"), sql("integer"), sql("{}", plan.machine.version), constant=True
    )
    found = {"machine": machine, "version": version}
    return tuple(v for n, v in found.items() if ("self", n) in plan.uses or plan.sends)


def working(plan: Plan, sender: Sql) -> tuple[Variable, ...]:
    """What changes while a macrostep lasts; `sender` is of a message."""
    flags = [Variable(ident("handled"), sql("boolean"))]
    if plan.loops:
        flags += [
            Variable(ident("moved"), sql("boolean")),
            Variable(ident("cause"), JSONB, _cause(plan, sender)),
            Variable(ident("microsteps"), sql("integer"), sql("0")),
            Variable(ident("passed"), sql("text[]")),
        ]
    if plan.settles:
        flags.append(Variable(ident("settled"), sql("boolean")))
    if plan.masks:
        flags += parallel.variables(plan)
    if plan.queue:
        flags.append(Variable(ident("queue"), sql("jsonb[]")))
    if plan.python:
        flags.append(Variable(ident("python"), JSONB))
    if plan.numbered:
        flags.append(Variable(ident("raised"), sql("integer"), sql("0")))
    if plan.numbered or plan.cancels:
        flags.append(Variable(ident("timer"), TEXT))
    return (*system(plan), *flags, *session.variables(plan), *arrays(plan))


def _cause(plan: Plan, sender: Sql) -> Sql:
    """The event that came."""
    if plan.machine.errors == "fail":
        return ident("p_event")
    return sql("pawl.scxml_cause(p_event, p_source, {})", sender)


def system(plan: Plan) -> tuple[Variable, ...]:
    """The instance's own columns besides `iid` and `id`."""
    types = {"status": TEXT, "seq": BIGINT, "timers": JSONB, "invokes": JSONB, "history": JSONB}
    types["output"] = JSONB
    read = (Variable(ident(n), types[n]) for n in store.needed(plan) if n != "iid")
    return (*configuration.variables(plan), *read)


def arrays(plan: Plan) -> tuple[Variable, ...]:
    """The commands that a macrostep collects."""
    found = []
    if plan.effects:
        found.append(Variable(ident("effects"), sql("pawl.effect_command[]")))
    if plan.invokes:
        found.append(Variable(ident("started"), sql("pawl.effect_command[]")))
    if plan.timers:
        found.append(Variable(ident("due"), sql("pawl.timer_command[]")))
    if plan.messages:
        found.append(Variable(ident("messages"), sql("pawl.message_command[]")))
    if plan.log:
        found.append(Variable(ident("log"), sql("text[]")))
    return tuple(found)


def nobody() -> tuple[Variable, ...]:
    """The variables of the sender, where no instance can be one."""
    return tuple(Variable(ident(f"sender_{n}"), TEXT) for n in ("machine", "id"))


def cursors(plan: Plan) -> tuple[Variable, ...]:
    """The variables of the loops that write commands."""
    found = []
    if plan.effects or plan.invokes:
        found.append(Variable(ident("v_command"), sql("pawl.effect_command")))
    if plan.timers:
        found.append(Variable(ident("v_timer"), sql("pawl.timer_command")))
    return tuple(found)


def guarded(plan: Plan, event: Sql, body: Body, sent: bool = False) -> Block:
    """A block whose errors name the line of the definition. It writes nothing, so it costs no
    transaction id. Of a `sent` event, clients may have to be told less."""
    return Block(
        None,
        tuple(Variable(ident(f"v_{n}"), TEXT) for n in _DIAGNOSTICS),
        body,
        Handler(sql("others"), _rethrow(plan, event, sent)),
    )


def protected(plan: Plan, columns: tuple[Column, ...], statement: Statement) -> Body:
    """A write whose foreign keys may refuse it: the error must not show the row."""
    if all(column.references is None for column in columns):
        return (statement,)
    variables = tuple(Variable(ident(f"v_{n}"), TEXT) for n in _DIAGNOSTICS)
    handler = Handler(sql("integrity_constraint_violation"), _rethrow(plan, sql("null")))
    return (Block(None, variables, (statement,), handler),)


def _rethrow(plan: Plan, event: Sql, sent: bool = False) -> Body:
    names = tuple(ident(f"v_{n}") for n in _DIAGNOSTICS)
    detail, hint, context, constraint = names
    arguments = (
        literal(plan.machine.name),
        own("id"),
        event,
        sql("sqlstate"),
        sql("sqlerrm"),
        detail,
        hint,
        context,
        constraint,
    )
    return (
        Diagnose(
            (
                (detail, sql("pg_exception_detail")),
                (hint, sql("pg_exception_hint")),
                (context, sql("pg_exception_context")),
                (constraint, sql("constraint_name")),
            )
        ),
        *_blindly(plan, sent, arguments),
        Call(ident("pawl", "rethrow"), arguments),
    )


def _blindly(plan: Plan, sent: bool, arguments: tuple[Sql, ...]) -> Body:
    """With `reply: none`, an error must not tell a client what the reply does not."""
    if not sent or plan.machine.reply == "state":
        return ()
    blind = Call(ident("pawl", "rethrow_blindly"), arguments)
    return (If((Branch(sql("self.claims is not null"), (blind,)),)),)
