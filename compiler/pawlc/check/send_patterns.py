"""PW411: a rule of `authorize.send` that admits nothing."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.check.descriptors import matches
from pawlc.diagnostics import Diagnostic
from pawlc.suggest import did_you_mean


def send_patterns(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about patterns that match no declared event of a strict chart."""
    if machine.authorize is None or not machine.strict:
        return
    declared = tuple(event.name.value for event in machine.events)
    for rule in machine.authorize.send:
        for pattern in rule.patterns:
            if not any(matches(pattern.value, event) for event in declared):
                yield Diagnostic(
                    "PW411",
                    f"`{pattern}` matches no event",
                    pattern.span,
                    "not under `events:`",
                    did_you_mean(pattern.value, declared),
                )
