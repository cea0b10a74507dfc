"""PW414: a `cancel` whose id no delayed `raise` or `send` has does nothing."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.check.walk import actions
from pawlc.diagnostics import Diagnostic, Severity
from pawlc.suggest import did_you_mean


def unknown_cancels(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Warn about ids that are only cancelled."""
    found = tuple(actions(machine))
    delayed = (a for a in found if isinstance(a, syntax.Raise | syntax.Send) and a.delay)
    ids = [a.id.value for a in delayed if a.id is not None]
    for action in found:
        if isinstance(action, syntax.Cancel) and action.id.value not in ids:
            yield Diagnostic(
                "PW414",
                f"nothing is raised under the id `{action.id}`",
                action.id.span,
                "cancels nothing",
                did_you_mean(action.id.value, ids) or "give the delayed `raise` this `id`",
                Severity.WARNING,
            )
