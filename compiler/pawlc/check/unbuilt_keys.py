"""PW901, PW906: documented keys that this version refuses rather than ignores."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.check.walk import states
from pawlc.diagnostics import Diagnostic


def unbuilt_keys(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about each of them."""
    for key in machine.unbuilt:
        message = f"`{key}` is documented but not built in this version"
        yield Diagnostic("PW901", message, key.span, "not built yet", hint=f"leave `{key}` out")
    for state in states(machine):
        if state.authorize is not None:
            yield Diagnostic(
                "PW906",
                "`authorize` in a state is documented but not built in this version",
                state.authorize.span,
                "not built yet",
                hint="write the rule in the machine's `authorize`, with `in_state('…')`",
            )
