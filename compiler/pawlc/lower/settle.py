"""`self.settled`: whether an eventless microstep changes nothing, so that no other follows it.

What the compiler knows stands in the code as a constant; the rest is a comparison of two sets. Only
charts with a transition that may change nothing have the variable.
"""

from collections.abc import Sequence

from pawlc.lower import choose, company, configuration, parallel
from pawlc.lower import flat as one_leaf
from pawlc.lower.entry import entry
from pawlc.lower.plan import Plan
from pawlc.lower.select import Candidates
from pawlc.lower.target import Body, Set
from pawlc.lower.variables import own
from pawlc.lower.words import mask
from pawlc.model import settling, tree
from pawlc.model.machine import Transition
from pawlc.sql import Sql, boolean, join, literal, sql


def flat(plan: Plan, transition: Transition) -> Body:
    """Before a transition of a chart with one active leaf."""
    states = plan.machine.states
    if not settling.may_settle(plan.machine, transition):
        return ()
    if transition.domain is None or transition.around is None:
        return _settled(boolean(True))
    found = one_leaf.entry_of(plan, transition.targets, transition.around)
    left = tree.entry_path(states, transition.domain, found.leaf)
    by_default = found.by_default.intersection(found.states)
    if not tree.contains(states, transition.source, found.leaf) or settling.lasts(
        states, left, found.states, by_default
    ):
        return ()
    if found.leaf == transition.source:
        return _settled(boolean(True))
    return _settled(sql("(self.leaf = {})", literal(states[found.leaf].path)))


def mark(plan: Plan, transition: Transition, *, alone: bool, rivals: bool) -> Body:
    """Take an eventless transition into the microstep of a chart with sets of states."""
    chosen = choose.mark(plan, None, transition, alone=alone, rivals=rivals)
    if not alone or not settling.may_settle(plan.machine, transition):
        return chosen
    if transition.domain is None or transition.around is None:
        return (*_settled(boolean(True)), *chosen)
    entering = entry(plan, transition.targets, transition.around)
    near = mask(tree.together(plan.machine.states, transition.source))
    if entering.states & ~near:
        return chosen
    if choose.is_quiet(plan, transition, entering):
        below = parallel.subtree(plan, transition.domain)
        if not below:  # from a leaf to itself: nothing is left
            return (*_settled(boolean(True)), *chosen)
        same = configuration.conf(plan).has_just(entering.states, below)
        return (*_settled(sql("({})", same)), *chosen)
    return (*chosen, *_settled(_changes_nothing(plan, ())))


def marked(plan: Plan, asked: Sequence[Candidates]) -> Body:
    """After several transitions were marked."""
    if not plan.settles or company.is_alone(plan.machine.states, asked, by_leaf=True):
        return ()
    return _settled(_changes_nothing(plan, asked))


def _changes_nothing(plan: Plan, asked: Sequence[Candidates]) -> Sql:
    """Whether what is left is what is entered, and nothing on the way lasts."""
    states = plan.machine.states
    conditions = [parallel.exits(plan).equals(parallel.enters(plan))]
    among = {t.index for _, transitions in asked for t in transitions}
    acting = mask(
        number
        for number, turn in enumerate(plan.turns)
        if turn.transition.index in among and settling.assigns(turn.transition.actions)
    )
    lasting = mask(
        s.index
        for s in states
        if settling.lasts_on_exit(states, s.index) or settling.lasts_on_entry(states, s.index)
    )
    starting = mask(
        s.index
        for s in states
        if settling.assigns((*(s.initial.actions if s.initial else ()), *s.restore))
    )
    if acting:
        conditions.append(parallel.taken(plan).has_none(acting))
    if lasting:
        conditions.append(parallel.exits(plan).has_none(lasting))
    if starting:
        entered = parallel.enters(plan)  # the target itself may be by default, and not left
        conditions.append(parallel.defaults(plan).has_none_with(entered, starting))
    return sql("({})", join(" and ", conditions))


def _settled(condition: Sql) -> Body:
    return (Set(own("settled"), condition),)
