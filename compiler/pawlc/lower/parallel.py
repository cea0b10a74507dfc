"""The microstep of a chart with parallel or history states.

Sets of states are bits of bigint words with constant masks. `choose` has marked transitions in
`self.taken` and added up what they exit and enter; the microstep exits, acts and enters in document
order. The code of a state stands once, however many transitions lead to it.
"""

from collections.abc import Callable

from pawlc.lower import actions, configuration, flat
from pawlc.lower.leaves import paths_inside
from pawlc.lower.payload import source_comment
from pawlc.lower.plan import Plan
from pawlc.lower.target import Body, Branch, Comment, If, Set, Statement, Variable
from pawlc.lower.variables import own
from pawlc.lower.words import WIDTH, Words, mask
from pawlc.model import tree
from pawlc.model.machine import OUTSIDE, Exactly, Kind, State
from pawlc.sql import Sql, boolean, join, literal, sql

_SKIP = 4
"""A subtree with more states to look at than this is skipped as a whole when none is concerned."""


def exits(plan: Plan) -> Words:
    """The active states that the microstep leaves."""
    return configuration.states(plan, "exits")


def enters(plan: Plan) -> Words:
    """The states that it enters."""
    return configuration.states(plan, "enters")


def answered(plan: Plan) -> Words:
    """Selection so far: states that answered the event, or leaves that an eventless one covers."""
    return configuration.states(plan, "answered")


def defaults(plan: Plan) -> Words:
    """The states entered by default, whose `initial` has actions."""
    return configuration.states(plan, "defaults")


def completed(plan: Plan) -> Words:
    """The parallel states whose completion was told in this microstep."""
    return configuration.states(plan, "completed")


def taken(plan: Plan) -> Words:
    """The turns of the selected transitions."""
    return Words("taken", max(1, -(-len(plan.turns) // WIDTH)))


def variables(plan: Plan) -> tuple[Variable, ...]:
    """The working sets of a macrostep."""
    sets = _chosen(plan)
    if _parallels_above_finals(plan):
        sets.append(completed(plan))
    return tuple(variable for words in sets for variable in words.variables())


def _chosen(plan: Plan) -> list[Words]:
    """What a selection fills."""
    sets = [exits(plan), enters(plan)]
    if plan.accompanied:
        sets.append(answered(plan))
    if plan.turns:
        sets.append(taken(plan))
    if _has_initial_actions(plan):
        sets.append(defaults(plan))
    return sets


def reset(plan: Plan) -> Body:
    """Begin a selection. The sets are empty when a macrostep of one microstep begins."""
    sets = _chosen(plan) if plan.eventless or plan.queue else []
    flags = ("moved", "settled") if plan.settles else ("moved",)
    emptied = (s for words in sets for s in words.empty())
    return (*(Set(own(flag), boolean(False)) for flag in flags), *emptied)


# --- the microstep ----------------------------------------------------------------------------


def microstep(plan: Plan) -> Body:
    """Exit, act, enter; if that completed the machine, run the exit actions of what is active."""
    leaving = (
        *remember(plan, mask(_everything(plan))),
        *_visit_out(plan, 0, _leave),
        *(() if plan.stepwise else configuration.conf(plan).remove_all(exits(plan))),
    )
    out = (If((Branch(exits(plan).is_not_empty(), leaving),)),)
    coming = (*_arrive(plan), *_visit_in(plan, 0))
    into = (If((Branch(enters(plan).is_not_empty(), coming),)),)
    return (*out, *_act(plan), *into, *_end(plan))


def _act(plan: Plan) -> Body:
    body: list[Statement] = []
    for number, turn in enumerate(plan.turns):
        transition, trigger = turn.transition, turn.transition.trigger
        event = trigger.name if isinstance(trigger, Exactly) else None
        doing = (
            source_comment(transition.span, transition.label),
            *actions.run(plan, transition.actions, event),
        )
        body.append(If((Branch(taken(plan).has_any(1 << number), doing),)))
    return tuple(body)


def remember(plan: Plan, among: int) -> Body:
    """Record the history of those of these states that are left, before any exit action."""
    body: list[Statement] = []
    states = plan.machine.states
    for state in states:
        if state.kind is not Kind.HISTORY or state.parent is None:
            continue
        if not among >> state.parent & 1:
            continue
        if state.history == "deep":
            found = paths_inside(plan, configuration.conf(plan).parts(), state.parent)
        else:
            names = [
                sql("case when {} then {} end", _active(plan, c), literal(states[c].path))
                for c in tree.regions(states, state.parent)
            ]
            found = sql("array_remove(array[{}], null)", join(", ", names))
        kept = sql("self.history || jsonb_build_object({}, {})", literal(state.path), found)
        left = exits(plan).has_any(1 << state.parent)
        body.append(If((Branch(left, (Set(own("history"), kept),)),)))
    return tuple(body)


def _active(plan: Plan, index: int) -> Sql:
    return configuration.conf(plan).has_any(1 << index)


def _leave(plan: Plan, state: State) -> Body:
    body = [*actions.run(plan, state.exit, None)]
    if state.timers:
        body += flat.strike(plan, "timers", tuple(t.name for t in state.timers), False)
    if state.invokes:
        body += flat.strike(plan, "invokes", tuple(i.id for i in state.invokes), False)
    if plan.stepwise:
        body += configuration.conf(plan).remove(1 << state.index)
    return tuple(body)


def _only_exit_actions(plan: Plan, state: State) -> Body:
    return actions.run(plan, state.exit, None)


def _visit_out(plan: Plan, index: int, leave: Callable[[Plan, State], Body]) -> Body:
    """What is to be done on exit, innermost and last first."""
    state = plan.machine.states[index]
    inner = [s for c in reversed(state.children) for s in _visit_out(plan, c, leave)]
    body = _skipped(exits(plan), subtree(plan, index), inner)
    doing = () if state.kind is Kind.HISTORY else leave(plan, state)
    if doing:
        left = exits(plan).has_any(1 << index)
        body = (*body, Comment(f"leave {_name(plan, state)}"), If((Branch(left, doing),)))
    return body


def _name(plan: Plan, state: State) -> str:
    return state.path or plan.machine.name


def _visit_in(plan: Plan, index: int) -> Body:
    """What is to be done on entry, in document order."""
    state = plan.machine.states[index]
    inner = [s for c in state.children for s in _visit_in(plan, c)]
    below = _skipped(enters(plan), subtree(plan, index), inner)
    doing = () if state.kind is Kind.HISTORY else _come(plan, state)
    if not doing:
        return below
    entered = enters(plan).has_any(1 << index)
    return (Comment(f"enter {_name(plan, state)}"), If((Branch(entered, doing),)), *below)


def _skipped(words: Words, below: int, inner: list[Statement]) -> Body:
    if len(inner) <= _SKIP:
        return tuple(inner)
    return (If((Branch(words.has_any(below), tuple(inner)),)),)


def _arrive(plan: Plan) -> Body:
    """The entered states become active: at once, or each in its turn where that can be seen."""
    body: list[Statement] = []
    if _parallels_above_finals(plan):
        body += completed(plan).empty()
    if not plan.stepwise:
        body += configuration.conf(plan).add_all(enters(plan), besides=_finals(plan))
    return tuple(body)


def _come(plan: Plan, state: State) -> Body:
    body: list[Statement] = []
    if plan.stepwise or state.kind is Kind.FINAL:
        body += configuration.conf(plan).add(1 << state.index)
    body += actions.run(plan, state.entry, None)
    for timer in state.timers:
        body += actions.set_timer(plan, timer, None)
    for invoke in state.invokes:
        body += actions.start(plan, invoke, None)
    if state.initial is not None and state.initial.actions:
        by_default = defaults(plan).has_any(1 << state.index)
        starting = actions.run(plan, state.initial.actions, None)
        body.append(If((Branch(by_default, starting),)))
    body += _restored(plan, state)
    if state.kind is Kind.FINAL:
        body += _complete(plan, state)
    return tuple(body)


def _restored(plan: Plan, state: State) -> Body:
    """The actions of a history state that remembers nothing (W3C SCXML 3.10)."""
    body: list[Statement] = []
    for index in tree.histories(plan.machine.states, state.index):
        history = plan.machine.states[index]
        if history.restore:
            doing = actions.run(plan, history.restore, None)
            body.append(If((Branch(defaults(plan).has_any(1 << index), doing),)))
    return tuple(body)


# --- completion -------------------------------------------------------------------------------


def _complete(plan: Plan, final: State) -> Body:
    """The done events of a final state's entry, inner to outer; at the root, the end."""
    assert final.parent is not None
    parent = plan.machine.states[final.parent]
    if parent.kind is Kind.PARALLEL:
        return _chain(plan, parent.index, final)
    body: list[Statement] = []
    if parent.parent is None:
        return _finish(plan, final)
    body += _raise_done(plan, parent, final)
    return (*body, *_chain(plan, parent.parent, final))


def _chain(plan: Plan, index: int, final: State) -> Body:
    """Tell the completion of a parallel state, and of those right above it."""
    state = plan.machine.states[index]
    if state.kind is not Kind.PARALLEL:
        return ()
    told: list[Statement] = [*completed(plan).add(1 << index)]
    if state.parent is None:
        told += _finish(plan, final)
    else:
        told += _raise_done(plan, state, None)
        if plan.machine.done_chain == "all":
            told += _chain(plan, state.parent, final)
    condition = sql(
        "{} and {}", completed(plan).has_none(1 << index), is_in_final_state(plan, index)
    )
    return (If((Branch(condition, tuple(told)),)),)


def is_in_final_state(plan: Plan, index: int) -> Sql:
    """W3C's isInFinalState."""
    state = plan.machine.states[index]
    match state.kind:
        case Kind.COMPOUND:
            finals = mask(c for c in state.children if plan.machine.states[c].kind is Kind.FINAL)
            return configuration.conf(plan).has_any(finals) if finals else sql("false")
        case Kind.PARALLEL:
            regions = tree.regions(plan.machine.states, index)
            return join(" and ", [is_in_final_state(plan, region) for region in regions])
        case Kind.FINAL:
            return _active(plan, index)
        case _:
            return sql("false")


def _raise_done(plan: Plan, state: State, final: State | None) -> Body:
    name = state.done
    if not plan.hears(name):
        return ()
    given = final.done_output if final is not None else None
    return flat.raise_done(plan, name, given, None)


def _finish(plan: Plan, final: State) -> Body:
    return (Set(own("status"), literal("done")), *flat.answer(plan, final, None))


def exit_actions(plan: Plan) -> Body:
    """The exit actions of all that is active, innermost first."""
    leaving = _visit_out(plan, 0, _only_exit_actions)
    return (*exits(plan).assign(configuration.conf(plan)), *leaving) if leaving else ()


def _end(plan: Plan) -> Body:
    """A machine that is done: exit actions run, the configuration stays."""
    if not _can_end(plan):
        return ()
    body: list[Statement] = [*exit_actions(plan)]
    for live, used in (("timers", plan.timers), ("invokes", plan.invokes)):
        if used:
            body += flat.strike(plan, live, flat.running(plan, _everything(plan), live), True)
    return (If((Branch(sql("self.status = 'done'"), tuple(body)),)),) if body else ()


# --- facts ------------------------------------------------------------------------------------


def subtree(plan: Plan, index: int) -> int:
    """The proper descendants of a state, as a mask; of `OUTSIDE`, every state."""
    first = 0 if index == OUTSIDE else index + 1
    last = len(plan.machine.states) - 1 if index == OUTSIDE else plan.machine.states[index].last
    return mask(range(first, last + 1))


def leaves_of(plan: Plan, index: int) -> int:
    """The leaves at or below a state, as a mask."""
    inside = range(index, plan.machine.states[index].last + 1)
    return mask(s for s in inside if tree.is_leaf(plan.machine.states[s]))


def _everything(plan: Plan) -> tuple[int, ...]:
    return tuple(range(len(plan.machine.states)))


def _finals(plan: Plan) -> int:
    return mask(s.index for s in plan.machine.states if s.kind is Kind.FINAL)


def initial_actions(plan: Plan) -> int:
    """The states whose `initial` has actions, or whose default as a history, as a mask."""
    found = (s.index for s in plan.machine.states if s.initial and s.initial.actions)
    return mask(found) | mask(s.index for s in plan.machine.states if s.restore)


def _has_initial_actions(plan: Plan) -> bool:
    return bool(initial_actions(plan))


def _parallels_above_finals(plan: Plan) -> bool:
    return any(s.kind is Kind.PARALLEL for s in plan.machine.states) and bool(_finals(plan))


def _can_end(plan: Plan) -> bool:
    root = plan.machine.states[0]
    if root.kind is Kind.PARALLEL:
        return bool(_finals(plan))
    return any(plan.machine.states[c].kind is Kind.FINAL for c in root.children)
