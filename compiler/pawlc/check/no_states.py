"""PW211: a machine without states has no configuration to be in."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.diagnostics import Diagnostic


def no_states(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain when the root has no states."""
    if not machine.root.states:
        yield Diagnostic(
            "PW211",
            f"machine `{machine.name}` has no states",
            machine.name.span,
            "a machine needs at least one state",
            hint="add `initial: …` and `states:`",
        )
