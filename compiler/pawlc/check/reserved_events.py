"""PW221: event names that only Pawl itself sends."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.check.descriptors import MADE, RESERVED, reserved
from pawlc.check.walk import raised, sent
from pawlc.diagnostics import Diagnostic


def reserved_events(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about declared, raised or sent events that begin like `done.` and `error.`; XState
    knows no such rule, so a machine that is not strict keeps to those that machines make."""
    prefixes = RESERVED if machine.strict else MADE
    for name in (*(event.name for event in machine.events), *raised(machine), *sent(machine)):
        prefix = reserved(name.value, prefixes)
        if prefix is not None:
            yield Diagnostic(
                "PW221",
                f"an event cannot be named `{name}`",
                name.span,
                f"`{prefix}` is reserved",
                hint="events of this kind are sent by Pawl itself; choose another name",
            )
