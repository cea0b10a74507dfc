"""The one-line description of a transition, for comments, journals and messages.

`offered --accept [event.prep_minutes <= 90]--> preparing`, `a --always--> b`,
`offered --after 5 minutes--> rejected`, `dispatching --done(find_courier)--> courier_offered`,
`kitchen --done--> out`, and `a --x--> (stays)` for a targetless one. The root goes by the name of
the machine.
"""

from collections.abc import Iterable
from typing import assert_never

from pawlc import syntax
from pawlc.model.machine import Expression
from pawlc.source import Text

_LONGEST_GUARD = 48


def label(
    source: str, event: str, guard: syntax.Guard | None, targets: tuple[str, ...] | None
) -> str:
    """Put the parts together; `targets` None means targetless, names are paths."""
    condition = f" [{guard_text(guard)}]" if guard is not None else ""
    goal = ", ".join(targets) if targets else "(stays)"
    return one_line(f"{source} --{event}{condition}--> {goal}")


def guard_text(guard: syntax.Guard) -> str:
    """A guard on one line, cut when long; a named one is its name."""
    match guard:
        case Text():
            return shorten(guard.value)
        case syntax.NamedRef():
            return guard.name.value
        case syntax.PythonRef():
            return guard.function.value
        case syntax.Combined(operator="not"):
            return f"not {guard_text(guard.guards[0])}"
        case syntax.Combined():
            return shorten(f" {guard.operator} ".join(map(guard_text, guard.guards)))
        case _:
            assert_never(guard)


def conditions(guards: Iterable[Expression]) -> str:
    """Guards that must be true together, on one line."""
    return " and ".join(shorten(guard.source.value) for guard in guards)


def shorten(text: str, longest: int = _LONGEST_GUARD) -> str:
    """
    >>> shorten("a > 1\\n  and b")
    'a > 1 and b'
    """
    line = one_line(text)
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def one_line(text: str) -> str:
    """Collapse white space, line breaks of every kind included."""
    return " ".join(text.split())
