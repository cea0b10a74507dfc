"""PW403: `always` transitions that lead in a circle without a guard to stop them."""

from collections.abc import Iterator

from pawlc.diagnostics import Diagnostic
from pawlc.model import settling, tree
from pawlc.model.machine import Kind, Machine, State, Transition


def eventless_cycles(machine: Machine) -> Iterator[Diagnostic]:
    """Complain about each circle once, at its first transition in the file.

    Only what is certain counts: circles of atomic states whose first candidate has no guard, in
    charts without parallel states, where another region could break the circle. A state whose
    `always` leads to itself is one only if something is assigned on the way; else it settles.
    """
    if any(state.kind is Kind.PARALLEL for state in machine.states):
        return
    following = {
        state.index: _step(machine, state.index)
        for state in machine.states
        if state.kind is Kind.ATOMIC
    }
    for circle in _circles({i: step[1] for i, step in following.items() if step is not None}):
        if len(circle) == 1 and _settles(machine, circle[0], following[circle[0]]):
            continue
        steps = [step for index in circle if (step := following[index]) is not None]
        paths = [f"`{machine.states[index].path}`" for index in (*circle, circle[0])]
        yield Diagnostic(
            "PW403",
            f"`always` leads in a circle: {' -> '.join(paths)}",
            min((transition.span for transition, _ in steps), key=lambda span: span.start),
            "goes on for ever",
            hint="give one of them a guard",
        )


def _step(machine: Machine, leaf: int) -> tuple[Transition, int] | None:
    """The `always` that is certainly taken in a leaf, and the leaf that it leads to."""
    state: State | None = machine.states[leaf]
    while state is not None and not state.always:
        state = None if state.parent is None else machine.states[state.parent]
    if state is None:
        return None
    first = state.always[0]
    if first.guard is not None or len(first.targets) != 1:
        return None
    target = machine.states[first.targets[0]]
    while target.initial is not None and len(target.initial.targets) == 1:
        target = machine.states[target.initial.targets[0]]
    return (first, target.index) if target.kind is Kind.ATOMIC else None


def _settles(machine: Machine, leaf: int, step: tuple[Transition, int] | None) -> bool:
    """Whether the way from a leaf to itself changes nothing."""
    assert step is not None
    transition, _ = step
    path = tree.entry_path(machine.states, transition.domain or 0, leaf)
    starting = (machine.states[s].initial for s in path)
    return (
        settling.may_settle(machine, transition)
        and not any(settling.lasts_on_exit(machine.states, s) for s in path)
        and not any(settling.lasts_on_entry(machine.states, s) for s in path)
        and not any(start is not None and settling.assigns(start.actions) for start in starting)
    )


def _circles(following: dict[int, int]) -> list[tuple[int, ...]]:
    """The cycles of a graph in which every node leads to one other, each from its lowest node.

    >>> _circles({1: 2, 2: 3, 3: 2, 4: 4})
    [(2, 3), (4,)]
    """
    found: set[tuple[int, ...]] = set()
    for start in following:
        path = [start]
        while (after := following.get(path[-1])) is not None and after not in path:
            path.append(after)
        if after is not None:
            circle = path[path.index(after) :]
            lowest = circle.index(min(circle))
            found.add((*circle[lowest:], *circle[:lowest]))
    return sorted(found)
