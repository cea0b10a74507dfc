"""The interpreter with the rules of XState that Pawl does not share, each written down as code.

README.md has the reasons. A run in which XState differs from Pawl must be what this makes of it, up
to the step at which XState does what nobody can follow: there the comparison ends (`Unlike`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from pawlc.interpret import Entered, Evaluate, Event, Exited, Outcome, Snapshot
from pawlc.interpret.entry import EntrySet
from pawlc.interpret.run import Run, without_source
from pawlc.model import events, tree
from pawlc.model.machine import OUTSIDE, Kind, Machine, RaiseLater, Transition
from tests.semantics.driver import Interpreted
from tests.semantics.observed import Observed


class Rule(StrEnum):
    """What XState does otherwise; the numbers are those of README.md."""

    ENTRY_ORDER = "1 eventless transitions go in the order in which their leaves were entered"
    NO_INITIAL_ACTIONS = "2 some states entered by default do not run the actions of `initial`"
    OWN_HISTORY = "3 from a state to a history state that leads back to it or around it"
    PENDING_ID = "4 an id that is raised while it is pending leaves the first event running"


class Unlike(Exception):
    """From here on nothing can be compared."""


class Deviating(Interpreted):
    """An instance that goes as in XState. `rules` are those that made a difference.

    `reentering` are the indices of the transitions with `reenter: true`, which the model does
    not keep.
    """

    order: tuple[int, ...] = ()

    def __init__(self, machine: Machine, evaluate: Evaluate, reentering: frozenset[int]) -> None:
        super().__init__(machine, evaluate)
        self.reentering = reentering
        self.rules: set[Rule] = set()

    def create(self, input: Mapping[str, Any]) -> Observed:
        """Create the instance."""
        return self._try(self._begin)

    def _begin(self) -> Outcome:
        run = self._run(Snapshot((), {}), Event(events.CREATION))
        for column in self.machine.context:
            assert column.default is not None
            run.context[column.name] = run.value(replace(column.default, type=column.type))
        run.enter_initial()
        return self._settled(run, handled=True)

    def _step(self, event: Event) -> Outcome:
        assert self.snapshot is not None
        run = self._run(without_source(self.snapshot, event), event)
        selected = run.select()
        run.microstep(selected)
        return self._settled(run, handled=bool(selected))

    def _run(self, snapshot: Snapshot, event: Event) -> "_Run":
        run = _Run(self.machine, self.evaluate, self._facts(), None, snapshot, event)
        run.order, run.rules, run.reentering = self.order, self.rules, self.reentering
        return run

    def _settled(self, run: "_Run", handled: bool) -> Outcome:
        run.settle()
        self.order = run.order
        return run.outcome(handled)


class _Run(Run):
    """`order` holds the active states in the order in which XState keeps them."""

    order: tuple[int, ...]
    rules: set[Rule]
    reentering: frozenset[int]

    def _has_recorded(self, mark: int) -> bool:
        """Whether a history state remembers anew."""
        left = (step.state for step in self.trace[mark:] if isinstance(step, Exited))
        return any(tree.histories(self.states, state) for state in left)

    def select_eventless(self) -> tuple[Transition, ...]:
        """Rule 1: the leaves are asked in XState's order."""
        in_document_order = super().select_eventless()
        leaves = (s for s in self.order if tree.is_leaf(self.states[s]))
        found = (t for leaf in leaves for t in self._first_upwards(leaf, eventless=True))
        selected = self._without_conflicts(found)
        if selected != in_document_order:
            self.rules.add(Rule.ENTRY_ORDER)
        return selected

    def microstep(self, selected: tuple[Transition, ...]) -> None:
        """Take a microstep, and keep the order."""
        mark = len(self.trace)
        super().microstep(selected)
        self._keep_order(mark)

    def _without_conflicts(self, enabled: Iterable[Transition]) -> tuple[Transition, ...]:
        """Rule 3 ends the comparison before such a transition can conflict with another."""
        transitions = tuple(enabled)
        if any(self._goes_to_own_history(transition) for transition in transitions):
            self.rules.add(Rule.OWN_HISTORY)
            raise Unlike
        return super()._without_conflicts(transitions)

    def _goes_to_own_history(self, transition: Transition) -> bool:
        """Whether XState finds the domain in what a history state restores, and so enters again
        what it has not left."""
        if all(self.states[target].kind is not Kind.HISTORY for target in transition.targets):
            return False
        restored = _Entry(self.machine, self.history).effective(transition.targets)
        reenter = transition.index in self.reentering
        domain = tree.domain(self.states, transition.source, restored, reenter)
        return domain != transition.domain or domain in restored

    def _raise_later(self, action: RaiseLater) -> None:
        """Rule 4 ends the comparison when the same id is pending."""
        if action.id is not None and events.raised_later(action.id) in self.timers:
            self.rules.add(Rule.PENDING_ID)
            raise Unlike
        super()._raise_later(action)

    def enter_initial(self) -> None:
        """The first microstep, and the order."""
        super().enter_initial()
        self._keep_order(0)

    def _keep_order(self, mark: int) -> None:
        """A state that is left and entered goes last, unless the same states are active again and
        no history was recorded."""
        order = list(self.order)
        for step in self.trace[mark:]:
            if isinstance(step, Exited) and self.status == "running":
                order.remove(step.state)
            elif isinstance(step, Entered) and step.state not in order:
                order.append(step.state)
        if set(order) != set(self.order) or self._has_recorded(mark):
            self.order = tuple(order)

    def _enter(self, selected: tuple[Transition, ...]) -> None:
        entries = _Entry(self.machine, self.history)
        for transition in selected:
            entries.add_transition(transition)
        skipped = entries.skipped & entries.by_default & set(entries.in_order())
        entries.by_default -= skipped
        if any(s.initial and s.initial.actions for s in map(self.states.__getitem__, skipped)):
            self.rules.add(Rule.NO_INITIAL_ACTIONS)
        self._enter_states(entries)


class _Entry(EntrySet):
    """Rule 2: `skipped` are the states whose `initial` acts in W3C SCXML but not in XState."""

    def __init__(self, machine: Machine, history: Mapping[int, tuple[int, ...]]) -> None:
        super().__init__(machine, history)
        self.skipped: set[int] = set()

    def add_transition(self, transition: Transition) -> None:
        """Enter what a transition targets; the regions beside its targets are skipped."""
        around = transition.around
        if around is None:
            return
        self._domain = around
        for target in transition.targets:
            self._add_descendants(target)
        self.skipped -= set(transition.targets)
        for target in self.effective(transition.targets):
            self._add_ancestors(target, around)
        if around != OUTSIDE:
            self._skip_missing_regions(around)

    def effective(self, targets: Iterable[int]) -> tuple[int, ...]:
        """The targets, history states giving way to what they restore now."""
        return self._effective(targets)

    def _add_history(self, index: int) -> None:
        """What a history state restores or names by default is skipped."""
        super()._add_history(index)
        parent = self._states[self._states[index].parent or 0]
        initial = parent.initial.targets if parent.initial is not None else ()
        default = self._states[index].history_default or initial
        self.skipped |= set(self._history.get(index) or default)

    def _add_ancestors(self, index: int, until: int) -> None:
        for ancestor in tree.ancestors(self._states, index, until):
            self._add(ancestor)
            self._skip_missing_regions(ancestor)

    def _skip_missing_regions(self, index: int) -> None:
        before = self.by_default.copy()
        self._add_missing_regions(index)
        if self._states[index].kind is Kind.PARALLEL:
            self.skipped |= (self.by_default - before) & set(tree.regions(self._states, index))
