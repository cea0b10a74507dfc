"""PW210: `onDone` of a state that is never done."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.check.walk import states
from pawlc.diagnostics import Diagnostic


def never_done(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about `onDone` where no final state can complete the state."""
    for state in states(machine):
        if state.on_done and not _can_be_done(state) and not _is(state, "final"):
            yield Diagnostic(
                "PW210",
                f"state `{state.key}` is never done",
                state.on_done[0].span,
                "never taken",
                hint=_hint(state),
            )


def _can_be_done(state: syntax.State) -> bool:
    """W3C SCXML's isInFinalState, over every configuration."""
    if _is(state, "parallel"):
        regions = [child for child in state.states if not _is(child, "history")]
        return bool(regions) and all(_can_be_done(child) for child in regions)
    return any(_is(child, "final") for child in state.states)


def _is(state: syntax.State, kind: str) -> bool:
    return state.type is not None and state.type.value == kind


def _hint(state: syntax.State) -> str:
    if not state.states and state.invoke:
        return "the `onDone` of an effect stands inside `invoke`"
    return "one of its own states must have `type: final`"
