"""Which states a microstep enters: computeEntrySet of W3C SCXML, Appendix D.

Two additions, both inert for W3C's own domains: a domain that is a parallel state gets its missing
regions, and a state that is its own transition's domain is not entered again (XState v5).
"""

from collections.abc import Iterable, Mapping

from pawlc.model import tree
from pawlc.model.machine import OUTSIDE, Kind, Machine, Transition


class EntrySet:
    """The states to enter, and those among them that are entered by default."""

    def __init__(self, machine: Machine, history: Mapping[int, tuple[int, ...]]) -> None:
        self._states = machine.states
        self._history = history
        self._domain = OUTSIDE
        self._to_enter: set[int] = set()
        self.by_default: set[int] = set()
        self.restored: dict[int, int] = {}

    def in_order(self) -> tuple[int, ...]:
        """The states to enter, in document order."""
        return tuple(sorted(self._to_enter))

    def add_root(self) -> None:
        """Enter the whole machine for the first time."""
        self._add_descendants(0)

    def add_transition(self, transition: Transition) -> None:
        """Enter what a transition targets, with all that must be active beside it."""
        around = transition.around
        if around is None:
            return
        self._domain = around
        for target in transition.targets:
            self._add_descendants(target)
        for target in self._effective(transition.targets):
            self._add_ancestors(target, around)
        if around != OUTSIDE:
            self._add_missing_regions(around)

    def _add(self, state: int) -> bool:
        """Enter a state if it lies in the domain of the transition."""
        inside = tree.is_descendant(self._states, state, self._domain)
        if inside:
            self._to_enter.add(state)
        return inside

    def _add_descendants(self, index: int) -> None:
        state = self._states[index]
        if state.kind is Kind.HISTORY:
            self._add_history(index)
            return
        added = self._add(index)
        if state.kind is Kind.COMPOUND and state.initial is not None:
            if added:
                self.by_default.add(index)
            self._add_inside(index, state.initial.targets)
        elif state.kind is Kind.PARALLEL:
            self._add_missing_regions(index)

    def _add_history(self, index: int) -> None:
        parent = self._states[index].parent
        assert parent is not None
        if not self._history.get(index):
            self.restored[parent] = index
        remembered = self._history.get(index) or self._states[index].history_default
        if remembered:
            self._add_inside(parent, remembered)
        else:
            self._add_descendants(parent)

    def _add_inside(self, outer: int, targets: Iterable[int]) -> None:
        """Targets somewhere inside a state, with what lies between."""
        targets = tuple(targets)
        for target in targets:
            self._add_descendants(target)
        for target in targets:
            self._add_ancestors(target, outer)

    def _add_ancestors(self, index: int, until: int) -> None:
        for ancestor in tree.ancestors(self._states, index, until):
            self._add(ancestor)
            self._add_missing_regions(ancestor)

    def _add_missing_regions(self, index: int) -> None:
        if self._states[index].kind is not Kind.PARALLEL:
            return
        for region in tree.regions(self._states, index):
            if not any(tree.is_descendant(self._states, s, region) for s in self._to_enter):
                self._add_descendants(region)

    def _effective(self, targets: Iterable[int]) -> tuple[int, ...]:
        """W3C's getEffectiveTargetStates: history states give way to what they stand for."""
        found: list[int] = []
        for target in targets:
            state = self._states[target]
            if state.kind is not Kind.HISTORY:
                found.append(target)
                continue
            remembered = self._history.get(target) or state.history_default
            assert state.parent is not None
            found += remembered or (state.parent,)
        return tuple(found)
