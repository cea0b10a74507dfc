"""PW903: parallel states."""

from collections.abc import Iterator

from pawlc.diagnostics import Diagnostic
from pawlc.model.machine import Kind, Machine


def unbuilt_parallel(machine: Machine) -> Iterator[Diagnostic]:
    """Complain about parallel states, which this version does not compile."""
    for state in machine.states:
        if state.kind is Kind.PARALLEL:
            yield Diagnostic(
                "PW903",
                "parallel states are documented but not built in this version",
                state.span,
                "parallel",
            )
