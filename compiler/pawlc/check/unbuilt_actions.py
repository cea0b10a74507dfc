"""PW902: documented actions that this version refuses rather than ignores."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.check.walk import actions
from pawlc.diagnostics import Diagnostic


def unbuilt_actions(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about `send`."""
    for action in actions(machine):
        if isinstance(action, syntax.Unbuilt):
            message = f"`{action.key}` is documented but not built in this version"
            yield Diagnostic("PW902", message, action.key.span, "not built yet")
