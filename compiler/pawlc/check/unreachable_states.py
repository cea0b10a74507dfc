"""PW401: a state that neither a path of transitions nor a migration leads to."""

from collections.abc import Iterator

from pawlc.diagnostics import Diagnostic, Severity
from pawlc.model.machine import Kind, Machine


def unreachable_states(machine: Machine) -> Iterator[Diagnostic]:
    """Warn about the outermost states that can never be entered; guards count as true."""
    reached = _reached(machine)
    for state in machine.states:
        parent_reached = state.parent is None or state.parent in reached
        if state.index not in reached and parent_reached:
            yield Diagnostic(
                "PW401",
                f"state `{state.path}` can never be entered",
                state.span,
                "nothing leads here",
                severity=Severity.WARNING,
            )


def _reached(machine: Machine) -> set[int]:
    """Every state that can be active, by W3C SCXML's entry rules."""
    reached: set[int] = set()
    moved = {path for one in machine.migrations for move in one.moves for path in move.after}
    waiting = [0, *(state.index for state in machine.states if state.path in moved)]
    while waiting:
        index = waiting.pop()
        if index in reached:
            continue
        reached.add(index)
        waiting += _next(machine, index)
    return reached


def _next(machine: Machine, index: int) -> list[int]:
    """What entering a state or being in it leads to."""
    state = machine.states[index]
    following = [t for found in (*state.transitions, *state.always) for t in found.targets]
    if state.kind is Kind.PARALLEL:
        following += state.children
    if state.initial is not None:
        following += state.initial.targets
    following += state.history_default
    if state.kind is Kind.HISTORY and not state.history_default and state.parent is not None:
        following.append(state.parent)
    if state.parent is not None:
        following.append(state.parent)
    return following
