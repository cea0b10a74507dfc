"""PW901: documented keys that this version refuses rather than ignores."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.diagnostics import Diagnostic


def unbuilt_keys(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about each of them."""
    for key in machine.unbuilt:
        message = f"`{key}` is documented but not built in this version"
        yield Diagnostic("PW901", message, key.span, "not built yet", hint=f"leave `{key}` out")
