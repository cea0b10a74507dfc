"""The delay of an `after`: an interval, a number of milliseconds, or an entry of `delays:`.

An entry of `delays:` is an interval, unless its expression is a cast to timestamptz or nothing but
a context field of that type: then it is a deadline. Whatever else yields a timestamptz, as in
`context.due - interval '1 day'`, needs the cast; without it the deploy's probe finds the wrong
type.
Reported here: PW111, PW312.
"""

import re

from pawlc.diagnostics import Diagnostic
from pawlc.expr.scope import Scope
from pawlc.model import intervals
from pawlc.model.expressions import Report, World, entry, expression
from pawlc.model.machine import Expression, Ref, Timer
from pawlc.source import Span, Text

_MILLISECONDS = re.compile(r"[0-9]+")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_MOMENT = ("timestamptz", "timestamp with time zone")
_CAST = re.compile(
    r"::\s*(pg_catalog\s*\.\s*)?(timestamptz|timestamp\s+with\s+time\s+zone)\s*\)*\s*\Z"
    r"|\A\(*\s*cast\s*\(.*\bas\s+(timestamptz|timestamp\s+with\s+time\s+zone)\s*\)\s*\)*\s*\Z",
    re.IGNORECASE | re.DOTALL,
)


def timer(world: World, name: str, delay: Text, scope: Scope, report: Report) -> Timer | None:
    """The timer of an `after` key; `name` is its event."""
    if any(delay.value == named.name.value for named in world.machine.delays):
        return _named_timer(world, name, delay, scope, report)
    interval = as_interval(delay)
    if interval is not None:
        return Timer(name, interval, False, delay.span)
    if _NAME.fullmatch(delay.value):
        entry(delay, world.machine.delays, "delay", report)
    else:
        report.append(not_an_interval(delay, delay.span))
    return None


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


def is_deadline(expression: Expression, world: World) -> bool:
    """Whether an entry of `delays:` names a moment instead of a duration."""
    match expression.parts:
        case (Ref(space="context", name=name),):
            return world.context[name].type in _MOMENT
        case _:
            return _CAST.search(expression.source.value.strip()) is not None


def _named_timer(
    world: World, name: str, delay: Text, scope: Scope, report: Report
) -> Timer | None:
    named = entry(delay, world.machine.delays, "delay", report)
    if named is None or not isinstance(named.value, Text):
        return None
    found = expression(world, named.value, scope, None, report)
    if found is None:
        return None
    deadline = is_deadline(found, world)
    kind = "timestamptz" if deadline else "interval"
    typed = expression(world, named.value, scope, kind, [])
    return Timer(name, typed or found, deadline, delay.span)
