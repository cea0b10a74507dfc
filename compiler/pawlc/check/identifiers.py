"""PW222, PW223: the identifiers generated from names, which Postgres cuts at 63 bytes.

Collisions between machines show at deploy only; these are those within one.
"""

import re
from collections.abc import Iterator

from pawlc.diagnostics import Diagnostic
from pawlc.model.machine import Machine
from pawlc.source import Span

MOST_BYTES = 63


def identifiers(machine: Machine) -> Iterator[Diagnostic]:
    """Complain about identifiers that are too long, and about two that are the same."""
    view = f"{machine.name}_instance"  # longer than the schema, pawl_<machine>
    fits = len(view.encode()) <= MOST_BYTES
    yield from _too_long("the machine's view", view, machine.states[0].span)
    for column in machine.context:
        yield from _too_long("the column", column.name, column.source.span)
    for event in machine.events:
        function = f"{machine.name}_{sql_name(event.name)}"
        if fits:
            yield from _too_long(f"the function of event `{event.name}`", function, event.span)
        for column in event.fields:
            yield from _too_long("the parameter", column.name, column.source.span)
    yield from _same(machine)


def sql_name(event: str) -> str:
    """An event's name as part of a function's name.

    >>> sql_name("courier.accept")
    'courier_accept'
    """
    return re.sub(r"[^A-Za-z0-9_]", "_", event)


def _too_long(what: str, name: str, span: Span) -> Iterator[Diagnostic]:
    size = len(name.encode())
    if size > MOST_BYTES:
        yield Diagnostic(
            "PW222",
            f"{what} would be named `{name}`, which is {size} bytes long",
            span,
            f"{size - MOST_BYTES} too many",
            hint=f"Postgres allows {MOST_BYTES} bytes; choose a shorter name",
        )


def _same(machine: Machine) -> Iterator[Diagnostic]:
    """Events whose functions would have the same name."""
    first: dict[str, tuple[str, Span]] = {}
    for event in machine.events:
        name = sql_name(event.name)
        if name in first:
            other, span = first[name]
            yield Diagnostic(
                "PW223",
                f"events `{other}` and `{event.name}` would share the function "
                f"`{machine.name}_{name}`",
                event.span,
                "the same function name",
                hint="rename one of them",
                related=((span, "the other one"),),
            )
        first.setdefault(name, (event.name, event.span))
