"""Which eventless transitions may change nothing, so that the macrostep settles after them.

As in XState v5, an eventless microstep after which the same states are active, no field of the
context was assigned, no history recorded and no invoke started or stopped is not followed by
another until the next event: its guards would only be true again. W3C SCXML, Appendix D,
mainEventLoop, knows no such rule; a chart that comes from SCXML goes on and is cut.
"""

from collections.abc import Iterable, Sequence

from pawlc.model import tree
from pawlc.model.machine import Action, Assign, Machine, PythonAssign, State, Transition


def settles(machine: Machine) -> bool:
    """Whether the rule holds for a machine."""
    return machine.errors == "fail"


def assigns(actions: Iterable[Action]) -> bool:
    """Whether actions assign fields of the context."""
    return any(isinstance(action, Assign | PythonAssign) for action in actions)


def records(states: Sequence[State], index: int) -> bool:
    """Whether leaving a state records a history or stops an invoke."""
    return bool(states[index].invokes or tree.histories(states, index))


def lasts_on_exit(states: Sequence[State], index: int) -> bool:
    """Whether leaving a state changes more than the configuration."""
    return assigns(states[index].exit) or records(states, index)


def lasts_on_entry(states: Sequence[State], index: int) -> bool:
    """Whether entering a state, not by default, changes more than the configuration."""
    return assigns(states[index].entry) or bool(states[index].invokes)


def lasts(
    states: Sequence[State], left: Iterable[int], entered: Iterable[int], by_default: Iterable[int]
) -> bool:
    """Whether leaving some states and entering others changes more than the configuration.

    `by_default` are those of the entered ones that run the actions of their `initial`.
    """
    starting = (start for s in by_default if (start := states[s].initial) is not None)
    return (
        any(lasts_on_exit(states, s) for s in left)
        or any(lasts_on_entry(states, s) for s in entered)
        or any(assigns(start.actions) for start in starting)
    )


def may_settle(machine: Machine, transition: Transition) -> bool:
    """Whether an eventless transition may change nothing: it assigns nothing itself, and all its
    targets can be active while its source is."""
    if not settles(machine) or assigns(transition.actions):
        return False
    return set(transition.targets) <= set(tree.together(machine.states, transition.source))
