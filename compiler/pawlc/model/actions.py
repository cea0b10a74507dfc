"""Actions: fields, events and effects looked up, named actions written out in their place.

In: `syntax.Action`s and the scope of their place. Out: `model.Action`s. Reported here: PW301,
PW312, PW313, PW316, PW317; those of delays come through from `delays`.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import assert_never

from pawlc import syntax
from pawlc.diagnostics import Diagnostic
from pawlc.expr.scope import Scope
from pawlc.model import delays, python, scxml
from pawlc.model.expressions import (
    Report,
    World,
    circle,
    entry,
    expression,
    pairs,
    params_match,
)
from pawlc.model.machine import (
    Action,
    Assign,
    Block,
    Cancel,
    EmitEffect,
    Event,
    Fail,
    If,
    Log,
    Raise,
    RaiseLater,
    Send,
)
from pawlc.source import Text
from pawlc.suggest import did_you_mean


def actions(
    world: World,
    written: tuple[syntax.Action, ...],
    scope: Scope,
    report: Report,
    open: tuple[str, ...] = (),
) -> tuple[Action, ...]:
    """Resolve a list of actions; `open` are the named actions that it is part of."""
    return tuple(
        found for action in written for found in _action(world, action, scope, report, open)
    )


def _action(
    world: World, written: syntax.Action, scope: Scope, report: Report, open: tuple[str, ...]
) -> Iterator[Action]:
    match written:
        case syntax.Assign() if world.machine.reading == "scxml":
            yield scxml.assign(world, written, scope, report)
        case syntax.Assign():
            yield _assign(world, written, scope, report)
        case syntax.Raise():
            yield from _raise(world, written, scope, report)
        case syntax.Send():
            yield from _send(world, written, scope, report)
        case syntax.Cancel():
            yield Cancel(written.id.value, written.span)
        case syntax.EmitEffect():
            if effect_exists(world, written.effect, report):
                values = pairs(world, written.input, scope, report)
                yield EmitEffect(written.effect.value, values, written.span)
        case syntax.Log():
            value = expression(world, written.value, scope, None, report)
            if value is not None:
                yield Log(value, written.span)
        case syntax.NamedRef():
            yield from _named(world, written, scope, report, open)
        case syntax.PythonRef():
            called = python.action(world.companion, written, scope, report)
            if called is not None:
                yield called
        case syntax.Block():
            yield Block(actions(world, written.actions, scope, report, open), written.span)
        case syntax.If():
            yield If(
                tuple(
                    (
                        scxml.condition(world, asked, scope, report) if asked else None,
                        actions(world, branch, scope, report, open),
                    )
                    for asked, branch in written.branches
                ),
                written.span,
            )
        case syntax.ForEach():
            inner = actions(world, written.actions, scope, report, open)
            yield scxml.for_each(world, written, scope, inner, report)
        case syntax.SessionSend():
            yield from scxml.send(world, written, scope, report)
        case syntax.CancelSend():
            yield scxml.cancel(world, written, scope, report)
        case syntax.Fail():
            yield Fail(written.reason, written.span, written.unreachable)
        case _:
            assert_never(written)


def _assign(world: World, written: syntax.Assign, scope: Scope, report: Report) -> Assign:
    types = {name: column.type for name, column in world.context.items()}
    known = tuple(pair for pair in written.fields if pair.name.value in types)
    for pair in written.fields:
        if pair.name.value not in types:
            message = f"the context has no field `{pair.name}`"
            hint = did_you_mean(pair.name.value, types) or "declare it under `context:`"
            report.append(Diagnostic("PW301", message, pair.name.span, hint=hint))
    return Assign(pairs(world, known, scope, report, types), written.span)


def _raise(
    world: World, written: syntax.Raise, scope: Scope, report: Report
) -> Iterator[Raise | RaiseLater]:
    declared = world.events.get(written.event.value)
    types = {column.name: column.type for column in declared.fields} if declared else {}
    if declared is not None:
        report.extend(_payload_problems(written, declared))
    data = pairs(world, written.data, scope, report, types)
    event = written.event.value
    if written.delay is None:
        yield Raise(event, data, written.span)
        return
    delay = delays.computed(world, written.delay, scope, report)
    if delay is not None:
        id = written.id.value if written.id is not None else None
        yield RaiseLater(event, data, delay.expression, delay.deadline, id, written.span)


def _send(world: World, written: syntax.Send, scope: Scope, report: Report) -> Iterator[Send]:
    """What the receiver declares is the database's to know: the payload is typed when it comes."""
    receiver = None
    if written.to.id is not None:
        receiver = expression(world, written.to.id, scope, "text", report)
    data = pairs(world, written.data, scope, report)
    delay = None
    if written.delay is not None:
        delay = delays.computed(world, written.delay, scope, report)
    known = receiver is not None or written.to.id is None
    if known and (delay is not None or written.delay is None):
        yield Send(
            event=written.event.value,
            machine=written.to.machine.value if written.to.machine is not None else None,
            id=receiver,
            child=written.to.invoke.value if written.to.invoke is not None else None,
            data=data,
            delay=delay.expression if delay is not None else None,
            deadline=delay is not None and delay.deadline,
            send_id=written.id.value if written.id is not None else None,
            atomic=written.atomic,
            span=written.span,
        )


def _payload_problems(written: syntax.Raise, declared: Event) -> Iterator[Diagnostic]:
    fields = {column.name: column for column in declared.fields}
    given = {pair.name.value for pair in written.data}
    for pair in written.data:
        if pair.name.value not in fields:
            message = f"event `{declared.name}` declares no field `{pair.name}`"
            hint = did_you_mean(pair.name.value, fields)
            yield Diagnostic("PW317", message, pair.name.span, hint=hint)
    for name, column in fields.items():
        if column.not_null and column.default is None and name not in given:
            message = f"event `{declared.name}` needs its field `{name}`"
            hint = f"write `raise: {{ event: {declared.name}, data: {{ {name}: … }} }}`"
            yield Diagnostic("PW317", message, written.event.span, hint=hint)


def effect_exists(world: World, name: Text, report: Report) -> bool:
    """Whether an effect is declared; complain if not."""
    if name.value in world.effects:
        return True
    hint = did_you_mean(name.value, world.effects) or f"declare it: `effects: {{ {name}: {{}} }}`"
    report.append(Diagnostic("PW316", f"unknown effect `{name}`", name.span, hint=hint))
    return False


def _named(
    world: World, written: syntax.NamedRef, scope: Scope, report: Report, open: tuple[str, ...]
) -> Iterator[Action]:
    """The body of an entry of `actions:`, its parameters put in."""
    named = entry(written.name, world.machine.actions, "action", report)
    if named is None or not params_match(written, named, "action", report):
        return
    name = named.name.value
    if name in open:
        circling = (*open[open.index(name) :], name)
        report.append(circle("action", circling, written.name.span))
        return
    inner = replace(scope, params=dict(pairs(world, written.params, scope, report)))
    yield from actions(world, named.actions, inner, report, (*open, name))
