"""What a transition enters in a chart with parallel or history states: W3C SCXML, computeEntrySet.

All that the compiler can know becomes a constant mask; a history state among the targets leaves a
piece to be decided when the transition is taken.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pawlc.lower.plan import Plan
from pawlc.lower.words import mask
from pawlc.model import tree
from pawlc.model.machine import OUTSIDE, Kind


@dataclass(frozen=True, slots=True)
class Entry:
    """States entered for certain, those among them entered by default (they run the actions of
    their
    `initial`), both as masks, and the history states that say what else."""

    states: int
    by_default: int
    histories: tuple[int, ...]


def entry(plan: Plan, targets: Iterable[int], domain: int) -> Entry:
    """The entry of a transition, or with domain `OUTSIDE` and target 0 of the whole machine."""
    found = _Entering(plan, domain)
    for target in targets:
        found.descend(target)
    for target in targets:
        found.climb(target, domain)
    if domain != OUTSIDE:
        found.complete(domain)
    return found.result()


def completion(plan: Plan, state: int) -> Entry:
    """A state with everything below it that is active by default."""
    found = _Entering(plan, plan.machine.states[state].parent or 0)
    found.descend(state)
    return found.result()


def default_of(plan: Plan, history: int) -> Entry:
    """What a history state stands for while nothing is remembered."""
    states = plan.machine.states
    parent = states[history].parent
    assert parent is not None
    found = _Entering(plan, parent)
    targets = states[history].history_default
    if not targets:
        found.descend(parent)
        return found.result()
    for target in targets:
        found.descend(target)
    for target in targets:
        found.climb(target, parent)
    found.complete(parent)
    return found.result()


class _Entering:
    def __init__(self, plan: Plan, domain: int) -> None:
        self._states = plan.machine.states
        self._domain = domain
        self._entered: set[int] = set()
        self._by_default: set[int] = set()
        self._histories: list[int] = []

    def result(self) -> Entry:
        """What was found."""
        histories = tuple(dict.fromkeys(self._histories))
        by_default = self._by_default & (self._entered | {self._domain})
        return Entry(mask(self._entered), mask(by_default), histories)

    def descend(self, index: int) -> None:
        """Enter a state and, by default, what is below it."""
        state = self._states[index]
        if state.kind is Kind.HISTORY:
            self._histories.append(index)
            return
        self._add(index)
        if state.kind is Kind.COMPOUND and state.initial is not None:
            self._by_default.add(index)
            for target in state.initial.targets:
                self.descend(target)
            for target in state.initial.targets:
                self.climb(target, index)
        elif state.kind is Kind.PARALLEL:
            self.complete(index)

    def climb(self, index: int, until: int) -> None:
        """Enter a state's ancestors up to one that is not entered, with their other regions."""
        for ancestor in tree.ancestors(self._states, index, until):
            self._add(ancestor)
            self.complete(ancestor)

    def complete(self, index: int) -> None:
        """Enter the regions of a parallel state that nothing reaches."""
        if self._states[index].kind is not Kind.PARALLEL or self._restores(index):
            return
        for region in tree.regions(self._states, index):
            if not self._reaches(region):
                self.descend(region)

    def _add(self, index: int) -> None:
        if tree.is_descendant(self._states, index, self._domain):
            self._entered.add(index)

    def _restores(self, index: int) -> bool:
        return any(self._states[h].parent == index for h in self._histories)

    def _reaches(self, region: int) -> bool:
        inside = (tree.is_descendant(self._states, s, region) for s in self._entered)
        parents = (self._states[h].parent for h in self._histories)
        restored = (p is not None and tree.contains(self._states, region, p) for p in parents)
        return any(inside) or any(restored)
