"""PW410: a machine without `authorize` is closed to client roles."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.check.walk import states
from pawlc.diagnostics import Diagnostic, Severity


def closed_machines(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Warn that only trusted callers can use the machine."""
    if machine.authorize is None and not any(state.authorize for state in states(machine)):
        yield Diagnostic(
            "PW410",
            f"machine `{machine.name}` has no `authorize`",
            machine.name.span,
            "closed to client roles",
            "only trusted callers can use it; `authorize: {}` says that this is meant",
            Severity.WARNING,
        )
