"""PW413: an event that is raised and that no state takes is lost."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.check.descriptors import matches, reserved
from pawlc.check.walk import descriptors, raised
from pawlc.diagnostics import Diagnostic, Severity


def untaken_raises(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Warn about raised events without a transition."""
    taken = tuple(descriptor.value for descriptor in descriptors(machine))
    for name in raised(machine):
        if reserved(name.value) is None and not any(matches(p, name.value) for p in taken):
            yield Diagnostic(
                "PW413",
                f"no state takes the raised event `{name}`",
                name.span,
                "raised and lost",
                severity=Severity.WARNING,
            )
