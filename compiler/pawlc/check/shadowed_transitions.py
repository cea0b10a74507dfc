"""PW402: a candidate behind an unconditional one for the same event in the same state."""

from collections.abc import Iterator

from pawlc.diagnostics import Diagnostic, Severity
from pawlc.model.machine import Machine, State, Transition, Trigger


def shadowed_transitions(machine: Machine) -> Iterator[Diagnostic]:
    """Warn about candidates that can never be taken: the first that is enabled wins."""
    for state in machine.states:
        for first, second in _shadowed(state):
            yield Diagnostic(
                "PW402",
                f"this transition of `{state.path or machine.name}` can never be taken",
                second.span,
                "never reached",
                "candidates are tried in order; move the one without a guard to the end",
                Severity.WARNING,
                ((first.span, "always taken first: it has no guard"),),
            )


def _shadowed(state: State) -> Iterator[tuple[Transition, Transition]]:
    """Pairs of an unconditional transition and each later one of the same trigger."""
    unconditional: dict[Trigger | None, Transition] = {}
    for transition in (*state.transitions, *state.always):
        if transition.trigger in unconditional:
            yield unconditional[transition.trigger], transition
        elif _always_enabled(transition):
            unconditional[transition.trigger] = transition


def _always_enabled(transition: Transition) -> bool:
    guard = transition.guard
    return guard is None or (guard.literal and guard.parts == ("true",))
