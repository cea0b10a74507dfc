"""Pure questions about the tree of states: who contains whom, what a transition exits and enters.

States are indices into `states`, which is in pre-order, so the descendants of `s` are
`s + 1 … states[s].last` and comparing two indices is comparing their document order. `OUTSIDE`, the
place above the root, is the domain of a transition that exits and re-enters the root itself.
"""

from collections.abc import Iterable, Sequence

from pawlc.model.machine import OUTSIDE, Kind, State

States = Sequence[State]


def ancestors(states: States, index: int, until: int = OUTSIDE) -> tuple[int, ...]:
    """The proper ancestors of a state, innermost first, up to but without `until`.

    W3C SCXML Appendix D, getProperAncestors.
    """
    found = []
    parent = states[index].parent
    while parent is not None and parent != until:
        found.append(parent)
        parent = states[parent].parent
    return tuple(found)


def is_descendant(states: States, inner: int, outer: int) -> bool:
    """Whether `inner` lies properly inside `outer`; everything lies inside `OUTSIDE`."""
    return outer == OUTSIDE or outer < inner <= states[outer].last


def contains(states: States, outer: int, inner: int) -> bool:
    """Whether `inner` is `outer` or lies inside it."""
    return inner == outer or is_descendant(states, inner, outer)


def lca(states: States, members: Iterable[int]) -> int:
    """The innermost state, of whatever kind, that properly contains all members; else `OUTSIDE`."""
    head, *tail = members
    for ancestor in ancestors(states, head):
        if all(is_descendant(states, other, ancestor) for other in tail):
            return ancestor
    return OUTSIDE


def lcca(states: States, members: Iterable[int]) -> int:
    """W3C SCXML's findLCCA: like `lca`, but the ancestor must be a compound state or the root."""
    head, *tail = members
    for ancestor in ancestors(states, head):
        fits = states[ancestor].kind is Kind.COMPOUND or states[ancestor].parent is None
        if fits and all(is_descendant(states, other, ancestor) for other in tail):
            return ancestor
    return OUTSIDE


def domain(states: States, source: int, targets: Sequence[int], reenter: bool) -> int | None:
    """The state whose active proper descendants a transition exits, as XState v5 reads it.

    None for a targetless transition. A target that is the source or inside it leaves the source
    alone unless `reenter`; otherwise the domain is the least common ancestor, a parallel state or
    the root included. A history state stands for what it can restore: itself and its default.
    """
    if not targets:
        return None
    reached = _effective(states, targets)
    if not reenter and all(contains(states, source, target) for target in reached):
        return source
    ancestor = lca(states, (*reached, source))
    return ancestor if reenter or ancestor != OUTSIDE else 0


def scxml_domain(states: States, source: int, targets: Sequence[int], internal: bool) -> int | None:
    """The same as W3C SCXML reads it (Appendix D, getTransitionDomain)."""
    if not targets:
        return None
    compound = states[source].kind is Kind.COMPOUND
    reached = _effective(states, targets)
    if internal and compound and all(is_descendant(states, t, source) for t in reached):
        return source
    return max(0, lcca(states, (source, *reached)))


def _effective(states: States, targets: Sequence[int]) -> tuple[int, ...]:
    defaults = (d for t in targets for d in states[t].history_default)
    return (*targets, *defaults)


def conflict(states: States, one: int, other: int) -> bool:
    """Whether two states can never be active together: neither contains the other, and no parallel
    state separates them."""
    if contains(states, one, other) or contains(states, other, one):
        return False
    return states[lca(states, (one, other))].kind is not Kind.PARALLEL


def together(states: States, index: int) -> tuple[int, ...]:
    """The states that can be active together with a state, itself included: those that do not
    conflict with it, in document order."""
    found = list(range(index, states[index].last + 1))
    inner = index
    for ancestor in ancestors(states, index):
        if states[ancestor].kind is Kind.PARALLEL:
            inside = range(ancestor + 1, states[ancestor].last + 1)
            found += (s for s in inside if not inner <= s <= states[inner].last)
        found.append(ancestor)
        inner = ancestor
    return tuple(sorted(found))


def is_leaf(state: State) -> bool:
    """Whether an active state has no active children: atomic or final (W3C's isAtomicState)."""
    return state.kind in (Kind.ATOMIC, Kind.FINAL)


def regions(states: States, index: int) -> tuple[int, ...]:
    """The children that become active: all but history states."""
    return tuple(c for c in states[index].children if states[c].kind is not Kind.HISTORY)


def histories(states: States, index: int) -> tuple[int, ...]:
    """The history states that record a state when it is exited."""
    return tuple(c for c in states[index].children if states[c].kind is Kind.HISTORY)


def leaves(states: States, configuration: Iterable[int]) -> tuple[int, ...]:
    """The active atomic and final states, in document order."""
    return tuple(s for s in sorted(configuration) if is_leaf(states[s]))


def exit_order(states: States, configuration: Iterable[int], domain: int | None) -> tuple[int, ...]:
    """The active states that a transition with this domain exits, innermost and last first.

    W3C SCXML Appendix D, computeExitSet and exitStates.
    """
    if domain is None:
        return ()
    return tuple(s for s in sorted(configuration, reverse=True) if is_descendant(states, s, domain))


def entry_path(states: States, domain: int, target: int) -> tuple[int, ...]:
    """The states between a domain and a target, outermost first, without the domain.

    The target comes last, unless it is the domain itself: a state is never entered twice.
    """
    if not is_descendant(states, target, domain):
        return ()
    return (*reversed(ancestors(states, target, domain)), target)


def is_legal(states: States, configuration: Iterable[int]) -> bool:
    """Whether the root is active, each active state's parent is, a compound state has one active
    child and a parallel one all of its regions (W3C SCXML 3.11).
    """
    active = frozenset(configuration)
    if 0 not in active:
        return False
    return all(_is_legal_at(states, active, index) for index in sorted(active))


def _is_legal_at(states: States, active: frozenset[int], index: int) -> bool:
    state = states[index]
    inside = tuple(c for c in state.children if c in active)
    if state.parent is not None and state.parent not in active:
        return False
    match state.kind:
        case Kind.COMPOUND:
            return len(inside) == 1
        case Kind.PARALLEL:
            return inside == regions(states, index)
        case Kind.ATOMIC | Kind.FINAL:
            return not inside
        case Kind.HISTORY:
            return False
