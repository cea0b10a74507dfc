"""PW902: documented actions that this version refuses rather than ignores."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.check.walk import actions
from pawlc.diagnostics import Diagnostic
from pawlc.source import Text


def unbuilt_actions(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about `send`, `cancel`, and `raise` with a delay or an id."""
    for action in actions(machine):
        match action:
            case syntax.Unbuilt():
                yield _unbuilt(f"`{action.key}`", action.key, None)
            case syntax.Raise(delay=Text() as delay):
                yield _unbuilt("`raise` with a `delay`", delay, "use `after` in the state")
            case syntax.Raise(id=Text() as ident):
                yield _unbuilt("`raise` with an `id`", ident, "leave the `id` out")
            case _:
                pass


def _unbuilt(what: str, where: Text, hint: str | None) -> Diagnostic:
    message = f"{what} is documented but not built in this version"
    return Diagnostic("PW902", message, where.span, "not built yet", hint=hint)
