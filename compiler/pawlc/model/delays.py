"""Delays: an interval, a number of milliseconds, or an entry of `delays:`; of `raise` any SQL too.

A computed delay is an interval, unless its expression is a cast to timestamptz or nothing but
a field of that type: then it is a deadline. Whatever else yields a timestamptz, as in
`context.due - interval '1 day'`, needs the cast; without it the deploy's probe finds the wrong
type.
Reported here: PW111, PW312.
"""

import re
from dataclasses import dataclass

from pawlc.diagnostics import Diagnostic
from pawlc.expr.scope import Scope
from pawlc.model import intervals
from pawlc.model.expressions import Report, World, entry, expression
from pawlc.model.machine import Expression, Ref, Timer
from pawlc.source import Span, Text

_MILLISECONDS = re.compile(r"[0-9]+")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
MOMENT = ("timestamptz", "timestamp with time zone")
_CAST = re.compile(
    r"::\s*(pg_catalog\s*\.\s*)?(timestamptz|timestamp\s+with\s+time\s+zone)\s*\)*\s*\Z"
    r"|\A\(*\s*cast\s*\(.*\bas\s+(timestamptz|timestamp\s+with\s+time\s+zone)\s*\)\s*\)*\s*\Z",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Delay:
    """When a timer is due: after an interval, or at a deadline."""

    expression: Expression
    deadline: bool


def timer(world: World, name: str, delay: Text, scope: Scope, report: Report) -> Timer | None:
    """The timer of an `after` key; `name` is its event."""
    found = _written(world, delay, scope, report)
    if found is None and not _is_name(world, delay):
        report.append(not_an_interval(delay, delay.span))
    return None if found is None else Timer(name, found.expression, found.deadline, delay.span)


def computed(world: World, delay: Text, scope: Scope, report: Report) -> Delay | None:
    """The delay of a `raise`: what an `after` could say, or an SQL expression."""
    found = _written(world, delay, scope, report)
    if found is not None or _is_name(world, delay):
        return found
    return _of(world, delay, scope, report)


def _written(world: World, delay: Text, scope: Scope, report: Report) -> Delay | None:
    """An interval as written, or an entry of `delays:`."""
    if _is_name(world, delay):
        named = entry(delay, world.machine.delays, "delay", report)
        if named is None or not isinstance(named.value, Text):
            return None
        return _of(world, named.value, scope, report)
    interval = as_interval(delay)
    return None if interval is None else Delay(interval, False)


def _is_name(world: World, delay: Text) -> bool:
    """Whether a delay can only be an entry of `delays:`."""
    if any(delay.value == named.name.value for named in world.machine.delays):
        return True
    return _NAME.fullmatch(delay.value) is not None and as_interval(delay) is None


def as_interval(delay: Text) -> Expression | None:
    """An interval as written, or a whole number of milliseconds, as a literal."""
    written = delay.value.strip()
    if _MILLISECONDS.fullmatch(written):
        written = f"{written} milliseconds"
    if intervals.parse(written) is None:
        return None
    return Expression(delay, (f"interval '{written}'",), "interval", literal=True)


def not_an_interval(delay: Text, span: Span) -> Diagnostic:
    """The complaint about a duration that Postgres would not read."""
    return Diagnostic(
        "PW111",
        f"`{delay}` is not a duration",
        span,
        hint="write it as Postgres does: `5 minutes`, `1 day 2:30`, `PT5M`; a number alone is ms",
    )


def is_deadline(expression: Expression) -> bool:
    """Whether an expression names a moment instead of a duration."""
    match expression.parts:
        case (Ref(type=str() as type),):
            return type in MOMENT
        case _:
            return is_moment(expression.source.value)


def is_moment(written: str) -> bool:
    """Whether an expression is cast to a timestamptz as a whole.

    >>> is_moment("event.due::timestamptz"), is_moment("context.due::timestamptz - now")
    (True, False)
    """
    return _CAST.search(written.strip()) is not None


def _of(world: World, text: Text, scope: Scope, report: Report) -> Delay | None:
    """The delay that an expression gives."""
    found = expression(world, text, scope, None, report)
    if found is None:
        return None
    deadline = is_deadline(found)
    kind = "timestamptz" if deadline else "interval"
    typed = expression(world, text, scope, kind, [])
    return Delay(typed or found, deadline)
