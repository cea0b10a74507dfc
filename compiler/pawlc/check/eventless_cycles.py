"""PW403: `always` transitions that lead in a circle without a guard to stop them."""

from collections.abc import Iterator
from dataclasses import dataclass

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
    for circle in _circles({i: step.leaf for i, step in following.items() if step is not None}):
        steps = [step for index in circle if (step := following[index]) is not None]
        if len(steps) == 1 and _settles(machine, steps[0]):
            continue
        paths = [f"`{machine.states[index].path}`" for index in (*circle, circle[0])]
        yield Diagnostic(
            "PW403",
            f"`always` leads in a circle: {' -> '.join(paths)}",
            min((step.transition.span for step in steps), key=lambda span: span.start),
            "goes on for ever",
            hint="give one of them a guard",
        )


@dataclass(frozen=True, slots=True)
class _Step:
    """A transition that is certainly taken, and the leaf that it leads to; `by_default` are the
    states from its target on whose `initial` leads there."""

    transition: Transition
    leaf: int
    by_default: frozenset[int]


def _step(machine: Machine, leaf: int) -> _Step | None:
    """The `always` that is certainly taken in a leaf."""
    state: State | None = machine.states[leaf]
    while state is not None and not state.always:
        state = None if state.parent is None else machine.states[state.parent]
    if state is None:
        return None
    first = state.always[0]
    if first.guard is not None or len(first.targets) != 1:
        return None
    target = machine.states[first.targets[0]]
    by_default: set[int] = set()
    while target.initial is not None and len(target.initial.targets) == 1:
        by_default.add(target.index)
        target = machine.states[target.initial.targets[0]]
    return _Step(first, target.index, frozenset(by_default)) if target.kind is Kind.ATOMIC else None


def _settles(machine: Machine, step: _Step) -> bool:
    """Whether the way from a leaf to itself changes nothing."""
    path = tree.entry_path(machine.states, step.transition.domain or 0, step.leaf)
    by_default = step.by_default.intersection(path)
    return settling.may_settle(machine, step.transition) and not settling.lasts(
        machine.states, path, path, by_default
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
