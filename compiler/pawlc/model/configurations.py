"""The configurations of a chart as sets of states: all of them, and the one that targets stand for.

A configuration here is the set of its active states, leaves and ancestors (W3C SCXML 3.11).
"""

from collections.abc import Iterable, Iterator
from itertools import product

from pawlc.model import tree
from pawlc.model.machine import Kind, State
from pawlc.model.tree import States


def configurations(states: States, index: int = 0) -> Iterator[frozenset[int]]:
    """Every legal configuration of a state and what lies inside, in document order.

    Regions multiply: a chart with many large ones has more than anybody can list.
    """
    state = states[index]
    children = tree.regions(states, index)
    if state.kind is Kind.PARALLEL:
        for chosen in product(*(tuple(configurations(states, child)) for child in children)):
            yield frozenset({index}).union(*chosen)
    elif state.kind is Kind.COMPOUND:
        for child in children:
            for inside in configurations(states, child):
                yield inside | {index}
    else:
        yield frozenset({index})


def count(states: States, index: int = 0) -> int:
    """How many configurations there are, without listing them."""
    inside = [count(states, child) for child in tree.regions(states, index)]
    if states[index].kind is Kind.PARALLEL:
        total = 1
        for number in inside:
            total *= number
        return total
    return sum(inside) or 1


def completed(states: States, targets: Iterable[int]) -> frozenset[int] | None:
    """The configuration in which these states are active and the others are as they begin.

    None if they cannot be active together. No history is remembered.
    """
    active = {0}
    for target in targets:
        active |= {target, *tree.ancestors(states, target)}
    todo = sorted(active)
    while todo:
        for missing in _missing(states, active, states[todo.pop()]):
            new = {missing, *tree.ancestors(states, missing)} - active
            active |= new
            todo += sorted(new)
    return frozenset(active) if tree.is_legal(states, active) else None


def _missing(states: States, active: set[int], state: State) -> tuple[int, ...]:
    """The states that an active state still needs below itself."""
    if state.kind is Kind.PARALLEL:
        return tuple(r for r in tree.regions(states, state.index) if r not in active)
    if state.kind is not Kind.COMPOUND or any(child in active for child in state.children):
        return ()
    targets = state.initial.targets if state.initial is not None else ()
    return tuple(real for target in targets for real in _without_history(states, target))


def _without_history(states: States, target: int) -> tuple[int, ...]:
    state = states[target]
    if state.kind is not Kind.HISTORY:
        return (target,)
    return tuple(t for t in state.history_default if states[t].kind is not Kind.HISTORY)


def paths(states: States, configuration: Iterable[int]) -> tuple[str, ...]:
    """The paths of the leaves, as the column `state` has them."""
    return tuple(states[leaf].path for leaf in tree.leaves(states, configuration))


def is_done(states: States, configuration: Iterable[int]) -> bool:
    """Whether the machine is done there: a final state of the root, or of each of its regions."""
    return _in_final(states, frozenset(configuration), 0)


def _in_final(states: States, active: frozenset[int], index: int) -> bool:
    """W3C SCXML Appendix D, isInFinalState."""
    state = states[index]
    if state.kind is Kind.PARALLEL:
        return all(_in_final(states, active, r) for r in tree.regions(states, index))
    return any(c in active and states[c].kind is Kind.FINAL for c in state.children)
