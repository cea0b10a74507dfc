"""Leaving and entering states in a chart with one active leaf: one transition at a time.

In such a chart a transition's target leaf is known, and so is every state it enters. What it exits
is known too when its source is a leaf; from a compound source it depends on `self.leaf`, which the
code tests only for states that have something to do on exit.
"""

from dataclasses import dataclass

from pawlc.expr.literals import is_untyped
from pawlc.lower import actions, session
from pawlc.lower.plan import Plan
from pawlc.lower.scope import Scope
from pawlc.lower.target import Body, Branch, If, Set, Statement
from pawlc.lower.variables import own
from pawlc.model import events, tree
from pawlc.model.machine import OUTSIDE, Expression, Kind, State, Transition
from pawlc.sql import Sql, jsonb, literal, sql, text_array

Output = tuple[tuple[str, Expression], ...] | Expression

_LIVE = {"timers": "due", "invokes": "started"}


@dataclass(frozen=True, slots=True)
class Entry:
    """The states that a transition enters, outermost first; `by_default` those that also run the
    actions of their `initial`; `leaf` the one that is active in the end."""

    states: tuple[int, ...]
    by_default: frozenset[int]
    leaf: int


def transition(plan: Plan, taken: Transition, event: str | None) -> Body:
    """Exit, act, enter. `event` is the event under way where the code knows it."""
    if taken.domain is None or taken.around is None:
        return _trimmed(plan, actions.run(plan, taken.actions, event))
    entry = entry_of(plan, taken.targets, taken.around)
    body = (
        *_exit(plan, taken.source, taken.domain, event),
        *actions.run(plan, taken.actions, event),
        *enter(plan, entry, event),
    )
    staying = _staying(plan, taken.domain)
    empty = tuple(live for live in _LIVE if not _outlives(plan, staying, live))
    return _merged(_trimmed(plan, body), empty)


def _merged(body: Body, empty: tuple[str, ...]) -> Body:
    """Begin a list of live timers or invokes that is known to be empty, instead of extending it."""
    for live in empty:
        changes = [s for s in body if isinstance(s, Set) and s.target == own(live)]
        extensions = [s for s in changes if s.value.startswith(f"{own(live)} || ")]
        if extensions:
            begun = Set(own(live), Sql(extensions[0].value.removeprefix(f"{own(live)} || ")))
            before = changes[: changes.index(extensions[0])]
            kept = [s for s in body if not any(s is other for other in before)]
            body = tuple(begun if s is extensions[0] else s for s in kept)
    return body


def initial(plan: Plan) -> Body:
    """Enter the machine for the first time."""
    body = enter(plan, entry_of(plan, (0,), OUTSIDE), events.CREATION)
    return _merged(_trimmed(plan, body), tuple(_LIVE))


def _trimmed(plan: Plan, body: Body) -> Body:
    """Leave out what cannot matter: taking commands back before there are any, and edits of a list
    that is emptied in the end."""
    lists, emptied = tuple(map(own, _LIVE)), jsonb({})
    kept: list[Statement] = []
    for place, statement in enumerate(body):
        idle = False
        if (commands := _taken_back(statement)) is not None:
            idle = not plan.loops and not any(_sets(s, commands) for s in kept)
        elif isinstance(statement, Set) and statement.target in lists:
            idle = Set(statement.target, emptied) in body[place + 1 :]
        if not idle:
            kept.append(statement)
    return tuple(kept)


def _taken_back(statement: Statement) -> Sql | None:
    """The array of commands that a statement only takes commands from."""
    for commands in _LIVE.values():
        forgets = Set(own(commands), sql("null"))
        asks = actions.is_enqueued(commands)
        if statement == forgets or (
            isinstance(statement, If) and statement.branches[0].condition == asks
        ):
            return own(commands)
    return None


def _sets(statement: Statement, target: Sql) -> bool:
    match statement:
        case Set():
            return statement.target == target
        case If():
            return any(_sets(s, target) for branch in statement.branches for s in branch.body)
        case _:
            return False


def entry_of(plan: Plan, targets: tuple[int, ...], domain: int) -> Entry:
    """What is entered below a domain to reach a target and, from there, a leaf."""
    states = plan.machine.states
    (target,) = targets
    path = list(tree.entry_path(states, domain, target))
    by_default: set[int] = set()
    leaf = target
    while (start := states[leaf].initial) is not None:
        by_default.add(leaf)
        (below,) = start.targets
        path += tree.entry_path(states, leaf, below)
        leaf = below
    return Entry(tuple(path), frozenset(by_default), leaf)


# --- exit -------------------------------------------------------------------------------------


def _exit(plan: Plan, source: int, domain: int, event: str | None) -> Body:
    body: list[Statement] = []
    for index in _exited(plan, source, domain):
        state = plan.machine.states[index]
        leaving = actions.run(plan, state.exit, event)
        if plan.stepwise:
            leaving = (*leaving, Set(own("leaf"), _above(plan, index)))
        if leaving and not _is_sure(plan, index, source):
            leaving = (If((Branch(is_active(state), leaving),)),)
        body += leaving
    return (*body, *_void(plan, source, domain))


def _exited(plan: Plan, source: int, domain: int) -> tuple[int, ...]:
    """The states below the domain that can be active while the source is; innermost first."""
    states = plan.machine.states
    inside = range(states[source].last, source - 1, -1)
    related = (*inside, *tree.ancestors(states, source))
    return tuple(s for s in related if tree.is_descendant(states, s, domain))


def _is_sure(plan: Plan, index: int, source: int) -> bool:
    return tree.contains(plan.machine.states, index, source)


def is_active(state: State) -> Sql:
    """The condition under which a state other than the root is active."""
    if tree.is_leaf(state):
        return sql("self.leaf = {}", literal(state.path))
    return sql("starts_with(self.leaf, {})", literal(state.path + "."))


def _above(plan: Plan, index: int) -> Sql:
    parent = plan.machine.states[index].parent
    return literal(plan.machine.states[parent].path if parent is not None else "")


def _void(plan: Plan, source: int, domain: int) -> Body:
    """Take what the exited states left running off the lists of live timers and invokes."""
    exited = _exited(plan, source, domain)
    staying = _staying(plan, domain)
    body: list[Statement] = []
    for live in _LIVE:
        gone = running(plan, exited, live)
        if gone:
            body += strike(plan, live, gone, all_of_them=not _outlives(plan, staying, live))
    return tuple(body)


def _staying(plan: Plan, domain: int) -> tuple[int, ...]:
    """The states that stay active when everything below the domain is exited."""
    return () if domain == OUTSIDE else (domain, *tree.ancestors(plan.machine.states, domain))


def running(plan: Plan, states: tuple[int, ...], live: str) -> tuple[str, ...]:
    """The timers or invokes that these states have running while they are active."""
    chosen = [plan.machine.states[s] for s in sorted(states)]
    if live == "timers":
        return tuple(timer.name for state in chosen for timer in state.timers)
    return tuple(invoke.id for state in chosen for invoke in state.invokes)


def _outlives(plan: Plan, staying: tuple[int, ...], live: str) -> bool:
    """Whether anything may go on running when only these states stay active."""
    return (live == "timers" and plan.unbound) or bool(running(plan, staying, live))


def strike(plan: Plan, live: str, gone: tuple[str, ...], all_of_them: bool) -> Body:
    """Take names off the list of live timers or invokes, and off what is still to be enqueued."""
    body: list[Statement] = []
    if all_of_them:
        body.append(Set(own(live), jsonb({})))
    else:
        names = literal(gone[0]) if len(gone) == 1 else text_array(gone)
        body.append(Set(own(live), sql("{} - {}", own(live), names)))
    commands = own(_LIVE[live])
    if all_of_them and plan.loops:
        body.append(Set(commands, sql("null")))
    elif plan.loops:
        body += actions.forget(_LIVE[live], gone)
    if live == "invokes":
        body += _not_begun(plan, gone)
    return tuple(body)


def _not_begun(plan: Plan, gone: tuple[str, ...]) -> Body:
    """States are left again whose invokes may not have begun."""
    noted = {invoke.id for invoke in plan.sessions}
    return tuple(
        Set(own("invoking"), sql("array_remove(self.invoking, {})", literal(id)))
        for id in gone
        if id in noted
    )


def exit_actions(plan: Plan) -> Body:
    """The exit actions of all that is active, innermost first."""
    body: list[Statement] = []
    for state in reversed(plan.machine.states):
        if leaving := actions.run(plan, state.exit, None):
            asked = (If((Branch(is_active(state), leaving),)),)
            body += asked if state.path else leaving
    return tuple(body)


# --- entry ------------------------------------------------------------------------------------


def enter(plan: Plan, entry: Entry, event: str | None) -> Body:
    """Enter states outermost first: entry actions, timers, invokes, then `initial`'s actions."""
    states = plan.machine.states
    body: list[Statement] = []
    for index in entry.states:
        state = states[index]
        if plan.stepwise:
            body.append(Set(own("leaf"), literal(state.path)))
        body += actions.run(plan, state.entry, event)
        for timer in state.timers:
            body += actions.set_timer(plan, timer, event)
        for invoke in state.invokes:
            body += actions.start(plan, invoke, event)
        if index in entry.by_default and state.initial is not None:
            body += actions.run(plan, state.initial.actions, event)
    if entry.states and not plan.stepwise:
        body.append(Set(own("leaf"), literal(states[entry.leaf].path)))
    if entry.states and states[entry.leaf].kind is Kind.FINAL:
        body += _complete(plan, states[entry.leaf], event)
    return tuple(body)


def _complete(plan: Plan, final: State, event: str | None) -> Body:
    """A final state was entered: its parent is done, or the machine is."""
    assert final.parent is not None
    parent = plan.machine.states[final.parent]
    if parent.parent is None:
        return _finish(plan, final, event)
    name = parent.done
    if not plan.hears(name):
        return ()
    return raise_done(plan, name, final.done_output, event)


def raise_done(plan: Plan, name: str, given: Output | None, event: str | None) -> Body:
    """Queue a done event with what its state gives."""
    pairs: list[tuple[Sql, Sql]] = []
    before: Body = ()
    if given is not None and given != ():
        value = output_of(plan, given, event)
        if plan.machine.errors == "event":
            before, value = session.output(plan, value)
        pairs.append((literal("output"), value))
    return (*before, actions.append("queue", actions.event_object(name, tuple(pairs))))


def _finish(plan: Plan, final: State, event: str | None) -> Body:
    """The machine is done: its output, then the exit actions of the final state and the root."""
    root = plan.machine.states[0]
    body: list[Statement] = [Set(own("status"), literal("done")), *answer(plan, final, event)]
    body += actions.run(plan, final.exit, event)
    body += actions.run(plan, root.exit, event)
    for live in _LIVE:
        if _outlives(plan, (0, final.index), live):
            body += (Set(own(live), jsonb({})), Set(own(_LIVE[live]), sql("null")))
    return tuple(body)


def answer(plan: Plan, final: State, event: str | None) -> Body:
    """Set the output of a machine that is done: its own, or in SCXML what the final state gives."""
    if plan.machine.output is None:
        return ()
    if plan.machine.errors == "fail":
        return (Set(own("output"), output_of(plan, plan.machine.output, event)),)
    if not final.done_output:
        return ()
    before, value = session.output(plan, output_of(plan, final.done_output, event))
    return (*before, Set(own("output"), value))


def output_of(plan: Plan, output: Output, event: str | None) -> Sql:
    """An `output` as jsonb."""
    if isinstance(output, Expression):
        value = Scope(plan, event).sql(output)
        return sql("to_jsonb({}::text)" if is_untyped(value) else "to_jsonb({})", value)
    return actions.values(plan, output, event)
