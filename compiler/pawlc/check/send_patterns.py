"""PW411: a rule of `authorize.send` that admits nothing."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.check.descriptors import matches
from pawlc.check.walk import states
from pawlc.diagnostics import Diagnostic
from pawlc.suggest import did_you_mean


def send_patterns(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about patterns that match no declared event of a strict chart."""
    if not machine.strict:
        return
    declared = tuple(event.name.value for event in machine.events)
    levels = (machine.authorize, *(state.authorize for state in states(machine)))
    for rule in (rule for level in levels if level is not None for rule in level.send):
        for pattern in rule.patterns:
            if not any(matches(pattern.value, event) for event in declared):
                yield Diagnostic(
                    "PW411",
                    f"`{pattern}` matches no event",
                    pattern.span,
                    "not under `events:`",
                    did_you_mean(pattern.value, declared),
                )
