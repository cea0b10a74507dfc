"""In which order the transitions of one microstep act, in a chart with parallel states.

W3C SCXML, selectTransitions: every active leaf chooses a transition, its own or its nearest
ancestor's, and they act in the order of the leaves. That is innermost first (post-order of the
sources) but for one case: an ancestor chosen for a leaf of one region acts before what a later
region chose for itself. So an ancestor can have several turns, one before each such place inside
it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pawlc.model import tree
from pawlc.model.machine import OUTSIDE, Machine, State, Transition


@dataclass(frozen=True, slots=True)
class Turn:
    """A moment at which a transition acts, if it was chosen for it.

    `before` is the state before whose descendants it acts when it was chosen for a leaf that stands
    before that state; None is its turn in every other case.
    """

    transition: Transition
    before: int | None = None


def turns(machine: Machine, besides: frozenset[int]) -> tuple[Turn, ...]:
    """All turns of all transitions that have actions, in order, besides some of them."""
    early: dict[int, list[Turn]] = {}
    for state in machine.states:
        for transition in _acting(state):
            for place in _places(machine, transition):
                early.setdefault(place, []).append(Turn(transition, place))
    found = _in_order(machine, early, 0)
    return tuple(turn for turn in found if turn.transition.index not in besides)


def _in_order(machine: Machine, early: Mapping[int, list[Turn]], index: int) -> Iterator[Turn]:
    yield from early.get(index, ())
    for child in machine.states[index].children:
        yield from _in_order(machine, early, child)
    for transition in _acting(machine.states[index]):
        yield Turn(transition)


def _acting(state: State) -> tuple[Transition, ...]:
    return tuple(t for t in (*state.transitions, *state.always) if t.actions)


def _places(machine: Machine, transition: Transition) -> Iterator[int]:
    """The states inside its source before which a transition may have to act."""
    states = machine.states
    if transition.trigger is not None and machine.regions_first:
        return  # an ancestor is asked only if no region answered
    leaves: list[int] = []  # those since the last place
    for index in range(transition.source + 1, states[transition.source].last + 1):
        together = any(not tree.conflict(states, leaf, index) for leaf in leaves)
        if together and _may_act_with(states, states[index], transition):
            yield index
            leaves = []
        if tree.is_leaf(states[index]):
            leaves.append(index)


def _may_act_with(states: tree.States, inner: State, transition: Transition) -> bool:
    """Whether a transition of `inner` and one of its ancestor can act in one microstep.

    They cannot if both exit states: then the inner one has its way.
    """
    return any(
        (other.trigger is None) is (transition.trigger is None)
        and not (_exits(states, other) and _exits(states, transition))
        for other in _acting(inner)
    )


def _exits(states: tree.States, transition: Transition) -> bool:
    """Whether it exits anything: a targetless one does not, nor one from a leaf to itself."""
    domain = transition.domain
    return domain is not None and (domain == OUTSIDE or states[domain].last > domain)
