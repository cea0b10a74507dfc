"""PW904: history states."""

from collections.abc import Iterator

from pawlc.diagnostics import Diagnostic
from pawlc.model.machine import Kind, Machine


def unbuilt_history(machine: Machine) -> Iterator[Diagnostic]:
    """Complain about history states, which this version does not compile."""
    for state in machine.states:
        if state.kind is Kind.HISTORY:
            yield Diagnostic(
                "PW904",
                "history states are documented but not built in this version",
                state.span,
                "history",
            )
