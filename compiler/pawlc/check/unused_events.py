"""PW404: a declared event that no state takes."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.check.descriptors import matches, reserved
from pawlc.check.walk import descriptors
from pawlc.diagnostics import Diagnostic, Severity
from pawlc.suggest import did_you_mean


def unused_events(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Warn about declared events without a transition."""
    taken = tuple(descriptor.value for descriptor in descriptors(machine))
    for event in machine.events:
        name = event.name.value
        if reserved(name) is None and not any(matches(pattern, name) for pattern in taken):
            yield Diagnostic(
                "PW404",
                f"no state takes the event `{name}`",
                event.name.span,
                "declared, never taken",
                did_you_mean(name, taken),
                Severity.WARNING,
            )
