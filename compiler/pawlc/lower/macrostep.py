"""The macrostep: an event, then eventless transitions and internal events until nothing is left.

W3C SCXML Appendix D, mainEventLoop: after the external event, eventless transitions go before the
internal queue. A chart that has neither gets no loop.
"""

from collections.abc import Iterable
from functools import partial

from pawlc.lower import (
    authorize,
    choose,
    configuration,
    flat,
    invoked,
    parallel,
    session,
    settle,
)
from pawlc.lower.asking import Asked, Guard
from pawlc.lower.payload import receive, source_comment
from pawlc.lower.plan import Plan, eventless, for_unknown, matching
from pawlc.lower.scope import Scope
from pawlc.lower.select import Candidates, Selection, select
from pawlc.lower.target import Body, Branch, Call, If, Leave, Loop, Set, Statement
from pawlc.lower.variables import own
from pawlc.model import events, tree
from pawlc.model.machine import Prefix, Transition
from pawlc.sql import Sql, boolean, ident, join, literal, sql

_REMEMBERED = 20

_CHAIN = 16
"""Longer chains of event names are searched by halves."""

_OURS = sql("p_source is not null")
"""The event comes from a timer or an invoke; from a caller, a strict chart refuses what nothing
takes."""


def macrostep(plan: Plan, creates: bool, refusal: Body = ()) -> Body:
    """The statements of a macrostep; with `creates`, a row without a state is entered first.

    `refusal`, in a chart without loops, is what happens to a caller's event that nothing takes.
    """
    if refusal:
        return dispatched(plan, creates, refusal)
    if plan.masks:
        return _with_masks(plan, creates)
    first = _first(plan, creates)
    if not plan.loops:
        return first
    first = (*first, *_count_if_moved(plan))
    if not plan.queue:
        handled = Set(own("handled"), own("moved"))
        settling = _eventless(plan)
        if plan.machine.strict:
            settling = (If((Branch(sql("self.handled or {}", _OURS), settling),)),)
        return (*first, handled, *settling)
    handled = Set(own("handled"), sql("coalesce(self.handled, self.moved)"))
    leave = (Leave(own("macrostep"), sql("not (self.handled or {})", _OURS)),)
    strict = leave if plan.machine.strict else ()
    loop = Loop(own("macrostep"), (*first, handled, *strict, *_eventless(plan), *_next(plan)))
    return (*invoked.arrive(plan), loop)


def flag(plan: Plan) -> Sql:
    """The variable that tells that a transition was taken."""
    return own("moved" if plan.loops else "handled")


def event_source(plan: Plan) -> Sql:
    """The jsonb of the event under way."""
    return own("cause") if plan.eventless or plan.queue else ident("p_event")


def _first(plan: Plan, creates: bool) -> Body:
    reset: Body = (Set(flag(plan), boolean(False)),)
    dispatch = (*session.receive(plan, event_source(plan)), *dispatched(plan, creates))
    if not creates:
        return (*reset, *dispatch)
    start = (
        source_comment(plan.machine.states[0].span, f"{plan.machine.name} begins"),
        Set(flag(plan), boolean(True)),
        *_creation(plan),
        *flat.initial(plan),
    )
    begin = sql("self.leaf is null")
    return (*reset, If((Branch(begin, start),), otherwise=dispatch))


def _creation(plan: Plan) -> Body:
    if ("event", "type") not in plan.uses:
        return ()
    return (Set(ident("event", "type"), literal(events.CREATION)),)


def _with_masks(plan: Plan, creates: bool) -> Body:
    """The loops of a chart with parallel or history states: select, then one microstep."""
    dispatch = (*session.receive(plan, event_source(plan)), *dispatched(plan, creates))
    if creates:
        start = (
            source_comment(plan.machine.states[0].span, f"{plan.machine.name} begins"),
            *_creation(plan),
            *choose.begin(plan),
        )
        first = sql("self.state is null and self.microsteps = 0")
        if not _repeats(plan):
            first = sql("self.state is null")
        dispatch = (If((Branch(first, start),), otherwise=dispatch),)
    if not _repeats(plan):
        moving = If((Branch(own("moved"), parallel.microstep(plan)),))
        return (*parallel.reset(plan), *dispatch, Set(own("handled"), own("moved")), moving)
    moving = If((Branch(own("moved"), (*_count(plan), *parallel.microstep(plan))),))
    handled = Set(own("handled"), sql("coalesce(self.handled, self.moved)"))
    refused = sql("not (self.handled or {})", _OURS)
    body: list[Statement] = [*parallel.reset(plan), *dispatch, handled]
    if plan.machine.strict:
        body.append(Leave(own("macrostep"), refused))
    body += (
        (moving,) if not plan.eventless else (Loop(own("eventless"), _until_stable(plan, moving)),)
    )
    return (*invoked.arrive(plan), Loop(own("macrostep"), (*body, *_next(plan))))


def _repeats(plan: Plan) -> bool:
    """Whether a second microstep can follow the first."""
    return plan.eventless or plan.queue


def _until_stable(plan: Plan, moving: If) -> Body:
    guard = partial(_guard, plan)
    asked = tuple(eventless(plan.machine))
    mark = partial(settle.mark, plan)
    return (
        moving,
        Leave(own("eventless"), _at_rest(plan)),
        *parallel.reset(plan),
        *choose.select(plan, asked, guard, mark, True, own("moved")),
        Leave(own("eventless"), sql("not self.moved")),
        *settle.marked(plan, asked),
    )


def dispatched(plan: Plan, pure: bool, refusal: Body = ()) -> Body:
    """One branch for each event name, and one for the names that only wildcards take.

    `pure`: in the reducer, where no message arrives.
    """
    asked = authorize.CLIENT if pure else authorize.who(plan)
    refuse = authorize.deny if pure else authorize.refuse
    declared = {event.name for event in plan.machine.events}
    if_called = (If((Branch(sql("p_source is null"), refusal),)),) if refusal else ()
    refused = if_called if plan.unbound else refusal
    branches: list[tuple[list[str], Body]] = []
    alike: dict[tuple[tuple[int, ...], ...], list[str]] = {}
    for name in plan.names:
        found = tuple(matching(plan.machine, name))
        receiving = (
            *receive(plan, name, event_source(plan)),
            *authorize.after_payload(plan, name, asked, refuse),
        )
        if refusal:
            taken = _taken_or(plan, found, name, refused if name in declared else ())
        else:
            taken = _taken(plan, found, name)
        body = (*_data(plan), *receiving, *taken)
        key = tuple(tuple(t.index for t in transitions) for _, transitions in found)
        if not receiving and key in alike:
            alike[key].append(name)
            continue
        names = [name]
        if not receiving:
            alike.setdefault(key, names)
        branches.append((names, body))
    return _branches(branches, if_called or _unknown(plan))


def _branches(branches: list[tuple[list[str], Body]], otherwise: Body) -> Body:
    if not branches:
        return otherwise
    if len(branches) > _CHAIN and len(otherwise) < 2:
        single = [([name], body) for names, body in branches for name in names]
        return _search(sorted(single, key=lambda b: b[0][0].encode()), otherwise)
    made = tuple(Branch(_is_named(names), body) for names, body in branches)
    return (If(made, otherwise),)


def _search(branches: list[tuple[list[str], Body]], otherwise: Body) -> Body:
    """A binary search over the names, in the order of collation "C"."""
    if len(branches) <= _CHAIN // 2:
        made = tuple(Branch(_is_named(names), body) for names, body in branches)
        return (If(made, otherwise),)
    middle = len(branches) // 2
    pivot = sql("event.type < {}", literal(branches[middle][0][0]))
    low, high = (_search(half, otherwise) for half in (branches[:middle], branches[middle:]))
    return (If((Branch(pivot, low),), high),)


def _is_named(names: list[str]) -> Sql:
    if len(names) == 1:
        return sql("event.type = {}", literal(names[0]))
    return sql("event.type in ({})", join(", ", [literal(name) for name in names]))


def _data(plan: Plan) -> Body:
    if ("event", "data") not in plan.uses:
        return ()
    return (Set(ident("event", "data"), sql("{} - 'type'", event_source(plan))),)


def _unknown(plan: Plan) -> Body:
    """Events that nothing names, in a chart that ignores what it does not know."""
    if plan.machine.strict:
        return ()
    found = tuple(for_unknown(plan.machine))
    return (*_data(plan), *_taken(plan, found, None)) if found else ()


def _taken(plan: Plan, candidates: Iterable[Candidates], name: str | None) -> Body:
    def guard(transition: Transition) -> Guard:
        conditions = []
        if name is None and isinstance(transition.trigger, Prefix):
            conditions.append(begins_with(transition.trigger))
        if plan.machine.errors == "event":
            return _besides(_guard(plan, transition, name), conditions)
        if transition.guard is not None:
            conditions.append(Scope(plan, name).sql(transition.guard))
        if len(conditions) < 2:
            return conditions[0] if conditions else None
        return join(" and ", [sql("({})", c) for c in conditions])

    if plan.masks:
        by_leaf = not plan.machine.regions_first
        mark = partial(choose.mark, plan, name)
        return choose.select(plan, candidates, guard, mark, by_leaf, own("moved"))

    def arm(transition: Transition) -> Body:
        return (Set(flag(plan), boolean(True)), *flat.transition(plan, transition, name))

    return select(Selection(flag(plan), guard, arm), candidates)


def _guard(plan: Plan, transition: Transition, event: str | None = None) -> Guard:
    """The condition of a transition; in SCXML one that fails is false, and an error."""
    written = transition.guard
    condition = None if written is None else Scope(plan, event).sql(written)
    if plan.machine.errors == "fail" or written is None or condition is None:
        return condition
    if session.is_sure(written):
        return condition
    return Asked(session.ask(plan, condition), own("holds"))


def _besides(guard: Guard, conditions: list[Sql]) -> Guard:
    """A guard that is asked only under these conditions."""
    if not conditions or guard is None:
        return conditions[0] if conditions else guard
    before, asked = conditions[0], guard
    if isinstance(asked, Asked):
        asking = (If((Branch(before, asked.before),)),)
        return Asked(asking, sql("({}) and {}", before, asked.holds))
    return sql("({}) and ({})", before, asked)


def _taken_or(plan: Plan, candidates: tuple[Candidates, ...], name: str, refusal: Body) -> Body:
    """The transition that an event takes, or the refusal. Where only leaves have candidates, and
    these no guards, no flag is needed: not being in any of them is the refusal."""
    if not _is_plain(candidates):
        refused = (If((Branch(sql("not self.handled"), refusal),)),) if refusal else ()
        return (Set(flag(plan), boolean(False)), *_taken(plan, candidates, name), *refused)

    def arm(transition: Transition) -> Body:
        return flat.transition(plan, transition, name)

    return select(Selection(flag(plan), lambda _: None, arm, refusal), candidates)


def _is_plain(candidates: tuple[Candidates, ...]) -> bool:
    return all(tree.is_leaf(state) and ts[0].guard is None for state, ts in candidates)


def begins_with(trigger: Prefix) -> Sql:
    """The condition under which an event's type has a prefix, as tokens."""
    plain, dotted = literal(trigger.name), literal(trigger.name + ".")
    return sql("event.type = {} or starts_with(event.type, {})", plain, dotted)


# --- the loops --------------------------------------------------------------------------------


def _count_if_moved(plan: Plan) -> Body:
    return (If((Branch(own("moved"), _count(plan)),)),)


def _count(plan: Plan) -> Body:
    """Cut a macrostep that does not come to rest, naming the states that it passes through."""
    here = configuration.current(plan)
    remember = Set(own("passed"), sql("self.passed || {}", here))
    stop = Call(
        ident("pawl", "raise_endless"),
        (
            literal(plan.machine.name),
            own("id"),
            sql("array(select distinct s from unnest(self.passed) s order by s)"),
        ),
    )
    cut = Branch(sql("self.microsteps > {}", plan.machine.microsteps), (stop,))
    near = Branch(sql("self.microsteps > {}", plan.machine.microsteps - _REMEMBERED), (remember,))
    return (Set(own("microsteps"), sql("self.microsteps + 1")), If((cut, near)))


def _eventless(plan: Plan) -> Body:
    if not plan.eventless:
        return ()
    unsettled: Body = ()
    settled: Body = ()
    if plan.settles:
        unsettled = (Set(own("settled"), boolean(False)),)
        settled = (Leave(own("eventless"), own("settled")),)
    body: list[Statement] = [
        Leave(own("eventless"), sql("self.status <> 'running'")),
        Set(own("moved"), boolean(False)),
        *unsettled,
        *_taken_eventless(plan),
        Leave(own("eventless"), sql("not self.moved")),
        *_count(plan),
        *settled,
    ]
    return (Loop(own("eventless"), tuple(body)),)


def _at_rest(plan: Plan) -> Sql:
    """No eventless transition can follow."""
    done = sql("self.status <> 'running'")
    return sql("{} or self.settled", done) if plan.settles else done


def _taken_eventless(plan: Plan) -> Body:
    guard = partial(_guard, plan)

    def arm(transition: Transition) -> Body:
        return (
            Set(own("moved"), boolean(True)),
            *settle.flat(plan, transition),
            *flat.transition(plan, transition, None),
        )

    return select(Selection(own("moved"), guard, arm), eventless(plan.machine))


def _next(plan: Plan) -> Body:
    """Take the next internal event, or come to rest."""
    if not plan.queue:
        return (Leave(own("macrostep")),)
    waiting = sql("coalesce(cardinality(self.queue), 0) > 0")
    at_rest = sql("self.status <> 'running' or coalesce(cardinality(self.queue), 0) = 0")
    taking: Body = (
        Set(own("cause"), sql("self.queue[1]")),
        Set(own("queue"), sql("self.queue[2:]")),
    )
    if plan.external:
        at_rest = sql(
            "self.status <> 'running' or coalesce(cardinality(self.queue), 0) = 0"
            " and coalesce(cardinality(self.external), 0) = 0"
        )
        taking = (If((Branch(waiting, taking),), session.next_external(invoked.forward(plan))),)
    # A condition that fails raises an event, after which it is asked again.
    counted = _count(plan) if plan.machine.errors == "event" else ()
    return (
        *invoked.begin(plan),
        Leave(own("macrostep"), at_rest),
        *counted,
        *taking,
        Set(ident("event", "type"), sql("self.cause ->> 'type'")),
    )
