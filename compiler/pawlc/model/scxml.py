"""What only charts from SCXML have: values of any type, content that can only fail.

Values whose type nobody declared are jsonb. An assignment to what is no data is no error of the
definition, but one when it is executed, and a warning (W3C SCXML 5.4).
"""

from collections.abc import Iterator
from dataclasses import replace

from pawlc import syntax
from pawlc.diagnostics import Diagnostic, Severity
from pawlc.expr.literals import is_untyped
from pawlc.expr.scope import Scope
from pawlc.model.expressions import Report, World, expression
from pawlc.model.machine import (
    Action,
    Assign,
    CancelSend,
    Expression,
    Fail,
    ForEach,
    Invoke,
    Ref,
    Session,
    SessionSend,
    State,
)
from pawlc.source import Text

SYSTEM = ("_event", "_sessionid", "_name", "_ioprocessors", "_x")
"""The system variables (W3C SCXML 5.10); the last one is reserved."""


def as_json(found: Expression) -> Expression:
    """An expression as jsonb; a bare constant is a text."""
    kind = "::text" if _is_constant(found) else ""
    return _wrapped(found, "to_jsonb(", f"{kind})", "jsonb")


def as_text(found: Expression) -> Expression:
    """An expression as text; a text inside jsonb without its quotes."""
    if _is_constant(found):
        return replace(found, type="text")
    return _wrapped(found, "(to_jsonb(", ") #>> '{}')", "text")


def as_interval(found: Expression) -> Expression:
    """An expression as an interval."""
    return _wrapped(as_text(found), "(", ")::interval", "interval")


def _is_constant(found: Expression) -> bool:
    match found.parts:
        case (str() as only,):
            return is_untyped(only.strip())
        case _:
            return False


def _wrapped(found: Expression, before: str, after: str, type: str) -> Expression:
    origins = found.origins
    if origins:
        origins = (origins[0], *origins, origins[-1])
    return replace(found, parts=(before, *found.parts, after), type=type, origins=origins)


# --- values -----------------------------------------------------------------------------------


def value(world: World, text: Text, scope: Scope, report: Report) -> Expression:
    """Any value, as jsonb."""
    return as_json(_found(world, text, scope, None, report))


def words(world: World, text: Text, scope: Scope, report: Report) -> Expression:
    """A text."""
    return as_text(_found(world, text, scope, None, report))


def condition(world: World, text: Text, scope: Scope, report: Report) -> Expression:
    """A boolean."""
    return _found(world, text, scope, "boolean", report)


def pairs(
    world: World, written: tuple[syntax.Pair, ...], scope: Scope, report: Report
) -> tuple[tuple[str, Expression], ...]:
    """Names with values as jsonb; a name that is given twice has both, as an array (6.2.4)."""
    given: dict[str, list[Expression]] = {}
    for pair in written:
        given.setdefault(pair.name.value, []).append(value(world, pair.value, scope, report))
    return tuple((name, _together(values)) for name, values in given.items())


def _together(values: list[Expression]) -> Expression:
    first, *others = values
    if not others:
        return first
    parts: list[str | Ref] = ["jsonb_build_array("]
    for number, one in enumerate(values):
        parts += [", " if number else "", *one.parts]
    return replace(first, parts=(*parts, ")"), type="jsonb", origins=())


def output(
    world: World, written: tuple[syntax.Pair, ...] | Text, scope: Scope, report: Report
) -> tuple[tuple[str, Expression], ...] | Expression:
    """What `<donedata>` gives."""
    if isinstance(written, Text):
        return value(world, written, scope, report)
    return pairs(world, written, scope, report)


def _found(world: World, text: Text, scope: Scope, type: str | None, report: Report) -> Expression:
    found = expression(world, text, scope, type, report)
    assert found is not None, "what is wrong fails at run time"
    return found


# --- actions ----------------------------------------------------------------------------------


def assign(world: World, written: syntax.Assign, scope: Scope, report: Report) -> Assign | Fail:
    """`<assign>`: one field, or what can only fail."""
    (pair,) = written.fields
    name = pair.name.value
    if problem := _no_place(world, pair.name):
        return _fail(problem, pair.name, report)
    column = world.context[name]
    if column.type == "jsonb":
        return Assign(((name, value(world, pair.value, scope, report)),), written.span)
    given = _found(world, pair.value, scope, column.type, report)
    if _reads_json(given, world) and column.type == "text":
        given = as_text(given)
    return Assign(((name, given),), written.span)


def _reads_json(found: Expression, world: World) -> bool:
    """Whether an expression is nothing but jsonb: a field, or a part of `_event`."""
    match found.parts:
        case (Ref(space="context", name=name),):
            return world.context[name].type == "jsonb"
        case _:
            return any(isinstance(p, Ref) and p.name == "scxml" for p in found.parts)


def _no_place(world: World, name: Text) -> str | None:
    """Why nothing can be assigned to a name (W3C SCXML 5.4, 5.10)."""
    if name.value in SYSTEM:
        return f"`{name}` is a system variable"
    if name.value not in world.context:
        return f"there is no data `{name}`"
    return None


def _fail(reason: str, at: Text, report: Report) -> Fail:
    report.append(
        Diagnostic(
            "PW301",
            reason,
            at.span,
            "nothing can be assigned to it",
            hint="it fails when it is executed; declare it with `<data>`",
            severity=Severity.WARNING,
        )
    )
    return Fail(reason.replace("`", ""), at.span)


def for_each(
    world: World,
    written: syntax.ForEach,
    scope: Scope,
    actions: tuple[Action, ...],
    report: Report,
) -> ForEach | Fail:
    """`<foreach>`, whose actions are resolved already."""
    for name in (written.item, written.index):
        if name is not None and (problem := _no_place(world, name)):
            return _fail(problem, name, report)
    return ForEach(
        value(world, written.array, scope, report),
        written.item.value,
        written.index.value if written.index else None,
        actions,
        written.span,
    )


def send(
    world: World, written: syntax.SessionSend, scope: Scope, report: Report
) -> Iterator[SessionSend | Fail]:
    """`<send>` or `<raise>`."""

    def maybe(text: Text | None) -> Expression | None:
        return None if text is None else words(world, text, scope, report)

    place = written.idlocation
    if place is not None and (problem := _no_place(world, place)):
        yield _fail(problem, place, report)
        return
    delay = None
    if written.delay is not None:
        delay = as_interval(_found(world, written.delay, scope, None, report))
    data: tuple[tuple[str, Expression], ...] | Expression | None = None
    if written.content is not None:
        data = value(world, written.content, scope, report)
    elif written.data:
        data = pairs(world, written.data, scope, report)
    yield SessionSend(
        name=written.name.value if written.name else None,
        event=maybe(written.event),
        target=None if written.raised else maybe(written.target),
        type=maybe(written.type),
        id=maybe(written.id),
        idlocation=place.value if place else None,
        delay=delay,
        data=data,
        to_internal=written.raised,
        span=written.span,
    )


def cancel(world: World, written: syntax.CancelSend, scope: Scope, report: Report) -> CancelSend:
    """`<cancel>`."""
    return CancelSend(words(world, written.id, scope, report), written.span)


# --- sessions ---------------------------------------------------------------------------------


def answers(states: tuple[State, ...]) -> bool:
    """Whether a final state at the top gives data to whoever invoked the session."""
    return any(state.parent == 0 and state.done_output for state in states)


def invoke(
    world: World,
    written: syntax.Invoke,
    id: str,
    finalize: tuple[Action, ...],
    scope: Scope,
    report: Report,
) -> Invoke:
    """`<invoke>`: its arguments are evaluated when it begins."""
    session = written.session
    assert session is not None
    place = session.idlocation
    fails = session.fails
    failing = None if fails is None else Fail(fails.reason, fails.span, fails.unreachable)
    if place is not None and (problem := _no_place(world, place)):
        failing = _fail(problem, place, report)
    source = None if session.source is None else words(world, session.source, scope, report)
    input = {pair.name.value: value(world, pair.value, scope, report) for pair in written.input}
    return Invoke(
        id=id,
        effect=written.machine.value if written.machine else "",
        input=tuple(input.items()),
        span=written.span,
        child=True,
        session=Session(
            type=None if session.type is None else words(world, session.type, scope, report),
            source=source,
            documents=session.documents,
            files=session.files,
            is_family=session.is_family,
            idlocation=place.value if place is not None else None,
            forwards=session.forwards,
            finalize=finalize,
            fails=failing,
        ),
    )
