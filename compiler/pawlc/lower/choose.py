"""Which transitions a microstep takes, in a chart with parallel or history states.

Where at most one can be taken, the active state is found as in a flat chart and its transition acts
on the spot. Where several can, each marks its turn and adds up what it exits and enters; one that
would exit what an earlier one does is not taken.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

from pawlc.lower import actions, asking, company, configuration, parallel
from pawlc.lower.entry import Entry, completion, default_of, entry
from pawlc.lower.payload import source_comment
from pawlc.lower.plan import Plan
from pawlc.lower.select import Candidates
from pawlc.lower.target import Body, Branch, Each, If, Set, Statement
from pawlc.lower.variables import own
from pawlc.lower.words import WIDTH, mask
from pawlc.model import tree
from pawlc.model.machine import OUTSIDE, Kind, State, Transition
from pawlc.sql import Sql, boolean, ident, join, literal, sql

_CHAIN = 8
"""Longer chains are searched by halves."""

Guard = Callable[[Transition], asking.Guard]


class Arm(Protocol):
    """What to do with a candidate. `alone`: no other transition can be taken beside it; `rivals`:
    another one may have been chosen before it."""

    def __call__(self, transition: Transition, alone: bool, rivals: bool) -> Body: ...


def select(
    plan: Plan,
    asked: Iterable[Candidates],
    guard: Guard,
    arm: Arm,
    by_leaf: bool,
    flag: Sql,
) -> Body:
    """Ask the active states, innermost first and in document order.

    `by_leaf`: every leaf is asked and then its ancestors (W3C). Otherwise an ancestor is asked only
    when nothing inside it answered (XState). `flag` is what `arm` sets.
    """
    ordered = _post_order(asked)
    if company.is_alone(plan.machine.states, ordered, by_leaf):
        return _one(plan, ordered, guard, partial(arm, alone=True, rivals=False), flag)
    return _several(plan, ordered, guard, partial(arm, alone=False), by_leaf)


def _post_order(asked: Iterable[Candidates]) -> list[Candidates]:
    """Innermost first, in document order among states that do not contain each other."""
    return sorted(asked, key=lambda c: (c[0].last, -c[0].index))


# --- at most one ------------------------------------------------------------------------------


def _one(
    plan: Plan,
    ordered: Sequence[Candidates],
    guard: Guard,
    arm: Callable[[Transition], Body],
    flag: Sql,
) -> Body:
    """The innermost states as alternatives, then their ancestors while nothing was taken."""
    outer: set[int] = set()
    inner: list[tuple[State, Body]] = []
    body: list[Statement] = []
    for state, transitions in ordered:
        asked = _candidates(transitions, guard, arm, flag)
        if state.index not in outer:
            inner.append((state, asked))
        else:
            body += _unless(plan, state, asked, flag)
        outer.update(tree.ancestors(plan.machine.states, state.index))
    return (*_alternatives(plan, inner), *body)


def _candidates(
    transitions: tuple[Transition, ...],
    guard: Guard,
    arm: Callable[[Transition], Body],
    flag: Sql,
) -> Body:
    """The candidates of one state in order, up to the first without a guard."""
    body: list[Statement] = []
    for place, transition in enumerate(transitions):
        body.append(source_comment(transition.span, transition.label))
        condition = guard(transition)
        unless = [sql("not {}", flag)] if place else []
        before, conditions = asking.asked(condition, unless)
        body += before
        chosen = arm(transition)
        body += (If((Branch(join(" and ", conditions), chosen),)),) if conditions else chosen
        if condition is None:
            break
    return tuple(body)


def _unless(plan: Plan, state: State, asked: Body, flag: Sql) -> Body:
    conditions = [sql("not {}", flag)]
    if state.parent is not None:
        conditions.append(configuration.conf(plan).has_any(1 << state.index))
    return (If((Branch(join(" and ", conditions), asked),)),)


def _alternatives(plan: Plan, states: Sequence[tuple[State, Body]]) -> Body:
    """States of which one at most is active, found by halves where there are many."""
    conf = configuration.conf(plan)
    if len(states) == 1 and states[0][0].parent is None:
        return states[0][1]
    if len(states) <= _CHAIN:
        branches = tuple(Branch(conf.has_any(1 << state.index), asked) for state, asked in states)
        return (If(branches),) if branches else ()
    middle = len(states) // 2
    first = conf.has_any(mask(state.index for state, _ in states[:middle]))
    low, high = (_alternatives(plan, half) for half in (states[:middle], states[middle:]))
    return (If((Branch(first, low),), high),)


# --- several ----------------------------------------------------------------------------------


def _several(
    plan: Plan,
    ordered: Sequence[Candidates],
    guard: Guard,
    arm: Callable[..., Body],
    by_leaf: bool,
) -> Body:
    body: list[Statement] = []
    outer: set[int] = set()
    earlier: set[int] = set()
    states = plan.machine.states
    for state, transitions in ordered:
        near = earlier.intersection(tree.together(states, state.index))
        inside = state.index in outer
        rivals = any(by_leaf or not tree.contains(states, state.index, s) for s in near)
        chosen = partial(arm, rivals=rivals)
        body += _ask(plan, state, transitions, guard, chosen, by_leaf, inside)
        earlier.add(state.index)
        outer.update(tree.ancestors(states, state.index))
    return tuple(body)


def _ask(
    plan: Plan,
    state: State,
    transitions: tuple[Transition, ...],
    guard: Guard,
    chosen_by: Callable[[Transition], Body],
    by_leaf: bool,
    inside: bool,
) -> Body:
    inner: list[Statement] = []
    for place, transition in enumerate(transitions):
        inner.append(source_comment(transition.span, transition.label))
        condition = guard(transition)
        unless = [_is_open(plan, state, by_leaf)] if place else []
        before, conditions = asking.asked(condition, unless)
        inner += before
        chosen = (*chosen_by(transition), *_answer(plan, state, by_leaf))
        inner += (If((Branch(join(" and ", conditions), chosen),)),) if conditions else chosen
        if condition is None:
            break
    active = configuration.conf(plan).has_any(1 << state.index)
    if state.parent is None:
        active = sql("true")
    asked = [active] if active != "true" else []
    if inside:
        asked.append(_is_open(plan, state, by_leaf))
    return (If((Branch(join(" and ", asked), tuple(inner)),)),) if asked else tuple(inner)


def _is_open(plan: Plan, state: State, by_leaf: bool) -> Sql:
    """Whether nothing inside has answered yet; by leaf: whether a leaf is still to ask."""
    if by_leaf:
        leaves = parallel.leaves_of(plan, state.index)
        return configuration.conf(plan).has_any_outside(leaves, parallel.answered(plan))
    return parallel.answered(plan).has_none(parallel.subtree(plan, state.index) | 1 << state.index)


def _answer(plan: Plan, state: State, by_leaf: bool) -> Body:
    return parallel.answered(plan).add(
        parallel.leaves_of(plan, state.index) if by_leaf else 1 << state.index
    )


# --- what a transition does when it is chosen ---------------------------------------------------


def mark(
    plan: Plan, event: str | None, transition: Transition, *, alone: bool, rivals: bool
) -> Body:
    """Take a transition into the microstep; if there are rivals, unless it exits what one of them
    does. `event` is the one under way where the code knows it.
    """
    body: list[Statement] = [Set(own("moved"), boolean(True))]
    if alone and transition.index in plan.spontaneous:
        body += actions.run(plan, transition.actions, event)
    else:
        body += _take_turn(plan, transition)
    if transition.domain is None or transition.around is None:
        return tuple(body)
    below = parallel.subtree(plan, transition.domain)
    entering = entry(plan, transition.targets, transition.around)
    if alone and is_quiet(plan, transition, entering):
        return (*body, *configuration.conf(plan).exchange(below, entering.states))
    body += parallel.exits(plan).add_common(configuration.conf(plan), below)
    if entering.histories:  # what it leaves itself counts too
        body += parallel.remember(plan, below)
    body += _add(plan, entering)
    if not rivals or not below:
        return tuple(body)
    return (If((Branch(parallel.exits(plan).has_none(below), tuple(body)),)),)


def is_quiet(plan: Plan, transition: Transition, entering: Entry) -> bool:
    """Whether nothing but the configuration changes: no state left or entered has work to do."""
    states = plan.machine.states
    if plan.stepwise or entering.histories or entering.by_default & parallel.initial_actions(plan):
        return False
    entered = (s for s in states if entering.states >> s.index & 1)
    left = (states[s] for s in company.left(plan.machine, transition))
    return not any(s.entry or s.kind is Kind.FINAL or _runs(s) for s in entered) and not any(
        s.exit or _runs(s) or tree.histories(states, s.index) for s in left
    )


def _runs(state: State) -> bool:
    return bool(state.timers or state.invokes)


def _take_turn(plan: Plan, transition: Transition) -> Body:
    """Remember when it is to act: before a state inside its source, if it was chosen for a leaf
    before that state, else in its own turn."""
    own_turn: Body = ()
    earlier: list[Branch] = []
    for number, turn in enumerate(plan.turns):
        if turn.transition is not transition:
            continue
        marking = parallel.taken(plan).add(1 << number)
        if turn.before is None:
            own_turn = marking
        else:
            leaves = parallel.leaves_of(plan, transition.source) & ((1 << turn.before) - 1)
            uncovered = configuration.conf(plan).has_any_outside(leaves, parallel.answered(plan))
            earlier.append(Branch(uncovered, marking))
    return (If(tuple(earlier), own_turn),) if earlier else own_turn


def begin(plan: Plan) -> Body:
    """Enter the machine for the first time."""
    return (Set(own("moved"), boolean(True)), *_add(plan, entry(plan, (0,), OUTSIDE)))


def _add(plan: Plan, entering: Entry) -> Body:
    body = [*parallel.enters(plan).add(entering.states)]
    with_actions = entering.by_default & parallel.initial_actions(plan)
    if with_actions:
        body += parallel.defaults(plan).add(with_actions)
    for history in entering.histories:
        body += _restore(plan, history)
    return tuple(body)


def _restore(plan: Plan, history: int) -> Body:
    """Enter what a history state remembers, else what it stands for by default."""
    states = plan.machine.states
    name = literal(states[history].path)
    parent = states[history].parent
    assert parent is not None
    remembered = sql("self.history -> {}", name)
    if states[history].history == "deep":
        restoring = _restore_leaves(plan, remembered, parallel.subtree(plan, parent))
    else:
        children = (c for c in tree.regions(states, parent))
        restoring = tuple(
            If(
                (
                    Branch(
                        sql("{} ? {}", remembered, literal(states[child].path)),
                        _add(plan, completion(plan, child)),
                    ),
                )
            )
            for child in children
        )
    known = sql("self.history ? {}", name)
    otherwise = _add(plan, default_of(plan, history))
    if states[history].restore:
        otherwise = (*otherwise, *parallel.defaults(plan).add(1 << history))
    return (If((Branch(known, restoring),), otherwise),)


def _restore_leaves(plan: Plan, remembered: Sql, below: int) -> Body:
    bits = ident(plan.machine.schema, f"{plan.version}_bits")
    adding: list[Statement] = []
    for number, word in enumerate(parallel.enters(plan).parts()):
        part = (below >> (number * WIDTH)) & ((1 << WIDTH) - 1)
        if part:
            function = bits if number == 0 else Sql(f"{bits}_{number + 1}")
            adding.append(Set(word, sql("{} | ({}(v_leaf) & {})", word, function, part)))
    return (Each(ident("v_leaf"), sql("pawl.text_array({})", remembered), tuple(adding)),)
