"""PW905: child machines."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.check.walk import invokes
from pawlc.diagnostics import Diagnostic


def unbuilt_machines(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about `invoke: { machine: … }`."""
    for invoke in invokes(machine):
        if invoke.machine is not None:
            yield Diagnostic(
                "PW905",
                "child machines are documented but not built in this version",
                invoke.machine.span,
                "not built yet",
                hint="invoke an effect whose handler creates the other instance",
            )
