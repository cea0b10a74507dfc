"""Which transitions of a chart with parallel states can be taken in one microstep with others.

Most cannot: their event is heard in one region only. Such a one acts where it is chosen.
"""

from collections.abc import Iterable, Sequence

from pawlc.model import tree
from pawlc.model.machine import Kind, Machine, State, Transition

Candidates = tuple[State, tuple[Transition, ...]]


def is_alone(states: Sequence[State], asked: Iterable[Candidates], by_leaf: bool) -> bool:
    """Whether at most one of the states that have candidates for an event can answer it.

    `by_leaf`: an ancestor may answer for one region while a state in another region does.
    """
    indices = frozenset(state.index for state, _ in asked)
    return not any(
        _can_both_answer(states, one, other, by_leaf)
        for one in indices
        for other in indices.intersection(tree.together(states, one)) - {one}
    )


def _can_both_answer(states: Sequence[State], one: int, other: int, by_leaf: bool) -> bool:
    if tree.is_descendant(states, one, other):
        one, other = other, one
    if not tree.is_descendant(states, other, one):
        return True  # in different regions
    between = (s for s in tree.ancestors(states, other) if tree.contains(states, one, s))
    return by_leaf and any(states[s].kind is Kind.PARALLEL for s in between)


def acts_when_chosen(machine: Machine, transition: Transition, stepwise: bool) -> bool:
    """Whether its actions may run before anything is left: nothing that it leaves has exit actions.

    `stepwise`: the actions of the machine look at the configuration.
    """
    return not stepwise and not any(machine.states[s].exit for s in left(machine, transition))


def left(machine: Machine, transition: Transition) -> tuple[int, ...]:
    """The states that a transition may leave."""
    domain = transition.domain
    if domain is None:
        return ()
    near = tree.together(machine.states, transition.source)
    return tuple(s for s in near if tree.is_descendant(machine.states, s, domain))
