"""Syntax -> machine.

In: `syntax.Machine`, and the text of the companion `.py` if there is one. Out: `model.Machine` and
every complaint found on the way; with errors among them the machine lacks what could not be
resolved and serves only to find more. Two passes: `structure` resolves the tree, its targets and
triggers; then `causes` tells for every place which events lead there, and each expression is
resolved in the scope that follows. The reading is XState v5's.

Reported by this package: PW110, PW111, PW201 to PW204, PW206, PW209, PW301 (assign), PW312, PW313,
PW316, PW317, PW318, PW460 to PW462; those of expressions and columns come through from `expr`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pawlc import syntax
from pawlc.diagnostics import Diagnostic, in_order
from pawlc.expr import columns
from pawlc.expr.scope import Scope
from pawlc.model import (
    causes,
    delays,
    events,
    migration,
    policies,
    python,
    scxml,
    structure,
)
from pawlc.model.actions import actions, effect_exists
from pawlc.model.catalogue import catalogue
from pawlc.model.causes import Causes
from pawlc.model.expressions import (
    Report,
    World,
    expression,
    guard,
    pairs,
)
from pawlc.model.machine import (
    AnyEvent,
    Authorize,
    Column,
    Event,
    Expression,
    Invoke,
    Machine,
    Prefix,
    Samples,
    SendRule,
    State,
    Timer,
    Transition,
)
from pawlc.model.rules import in_states
from pawlc.model.structure import Structure
from pawlc.source import Text
from pawlc.suggest import did_you_mean

Output = tuple[tuple[str, Expression], ...] | Expression | None


def resolve(
    machine: syntax.Machine,
    companion: str | None = None,
    earlier: Mapping[int, Machine] | None = None,
) -> tuple[Machine, tuple[Diagnostic, ...]]:
    """Resolve a definition; the machine is complete when no diagnostic is an error.

    `earlier` are the versions that `migrate` may name.
    """
    report: Report = []
    tree, problems = structure.build(machine)
    report += problems
    world = declared(machine, tree, companion, report)
    found = causes.find(tree.states, catalogue(world, tree), machine.strict)
    places = _Places(world, tree, found)
    states = tuple(_state(places, state, report) for state in tree.states)
    output = _output(world, machine.root.output, places.scope(found.end), report)
    if machine.reading == "scxml" and scxml.answers(states):
        output = ()
    built = Machine(
        name=machine.name.value,
        version=machine.version,
        file=machine.file,
        description=machine.description.value if machine.description else None,
        context=tuple(world.context.values()),
        input=_fields(world, machine.input, "input", report),
        public=_public(world, report),
        events=tuple(world.events.values()),
        effects=tuple(world.effects.values()),
        authorize=_authorize(places, machine.authorize, report),
        states=states,
        output=output,
        python=(),
        strict=machine.strict,
        realtime=machine.realtime,
        retention=policies.retention(machine.retention, report),
        indexes=tuple(_index(world, index, report) for index in machine.indexes),
        regions_first=machine.reading == "xstate",
        done_chain="all" if machine.reading == "xstate" else "grandparent",
        errors="fail" if machine.reading == "xstate" else "event",
        reply=machine.reply,
        samples=Samples(_samples(machine.samples.claims), _samples(machine.samples.contexts)),
        microsteps=machine.microsteps,
    )
    moved = migration.migrations(world, built, earlier or {}, report)
    back = migration.returns(world, replace(built, migrations=moved), earlier or {}, report)
    functions = tuple(world.companion.functions.values())
    complete = replace(built, python=functions, migrations=moved, back=back)
    return complete, in_order(tuple(dict.fromkeys(report)))


def _samples(written: tuple[syntax.Sample, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((sample.name.value, sample.value) for sample in written)


@dataclass(frozen=True, slots=True)
class _Places:
    """What decides the scope of a place."""

    world: World
    tree: Structure
    causes: Causes

    def scope(self, names: Sequence[str], wildcard: bool = False) -> Scope:
        """The scope of a place that these events lead to."""
        return self.world.scope(causes.event_scope(self.causes, names, wildcard))


# --- the declarations -------------------------------------------------------------------------


def declared(
    machine: syntax.Machine, tree: Structure, companion: str | None, report: Report
) -> World:
    """Resolve what the definition declares: context, events, effects, the companion."""

    def payload(event: syntax.Event) -> Event:
        fields = _columns(event.fields, "event", report)
        return Event(event.name.value, fields, event.name.span)

    def returned(written: tuple[syntax.Column, ...]) -> tuple[Column, ...]:
        return _columns(written, "output", report)

    effects = (policies.effect(written, returned, report) for written in machine.effects)
    return World(
        machine=machine,
        context={c.name: c for c in _columns(machine.context, "context", report)},
        events={event.name: event for event in map(payload, machine.events)},
        effects={effect.name: effect for effect in effects},
        paths=frozenset(state.path for state in tree.states[1:]),
        companion=python.read(machine, companion, report),
    )


def _columns(
    written: tuple[syntax.Column, ...], space: columns.Space, report: Report
) -> tuple[Column, ...]:
    """Read field definitions; a bad one goes on as text, so that its readers are not blamed."""
    names = [column.name.value for column in written]
    found = []
    for column in written:
        made, problems = columns.column(column.name, column.definition, space, names)
        report.extend(problems)
        stand_in = Column(column.name.value, "text", False, None, (), None, column.definition)
        found.append(made or stand_in)
    return tuple(found)


def _fields(world: World, names: tuple[Text, ...], key: str, report: Report) -> tuple[str, ...]:
    """The names under `input:` or `public:`, which must be fields of the context."""
    for name in names:
        if name.value not in world.context:
            message = f"`{key}` names `{name}`, which the context does not have"
            hint = did_you_mean(name.value, world.context)
            report.append(Diagnostic("PW318", message, name.span, hint=hint))
    return tuple(name.value for name in names if name.value in world.context)


def _public(world: World, report: Report) -> tuple[str, ...]:
    written = world.machine.public
    return tuple(world.context) if written is None else _fields(world, written, "public", report)


def _index(world: World, written: tuple[Text, ...], report: Report) -> tuple[Expression, ...]:
    """The expressions of an index: of the row's context alone."""
    scope = replace(world.scope(None), claims=False, now=False, self=False, states=frozenset())
    found = (expression(world, text, scope, None, report) for text in written)
    return tuple(one for one in found if one is not None)


def _authorize(places: _Places, written: syntax.Authorize | None, report: Report) -> Authorize:
    """Who may create (the row that would be), read (the row alone), and send."""
    world = places.world
    within = [(state.path, places.tree.written[state.index]) for state in places.tree.states[1:]]
    levels = [("", written)] + [(path, state.authorize) for path, state in within]
    row = replace(world.scope(None), states=frozenset())
    read, send = [], []
    for path, level in levels:
        if level is None:
            continue
        rule = _rule(world, level.read, world.scope(None), report)
        read += [] if rule is None else [(path, rule)]
        send += list(_send_rules(places, level.send, path, report))
    return Authorize(
        create=None if written is None else _rule(world, written.create, row, report),
        read=in_states(read),
        send=tuple(send),
    )


def _rule(world: World, text: Text | None, scope: Scope, report: Report) -> Expression | None:
    return None if text is None else expression(world, text, scope, "boolean", report)


def _send_rules(
    places: _Places, written: tuple[syntax.SendRule, ...], path: str, report: Report
) -> Iterator[SendRule]:
    for rule in written:
        patterns = tuple(events.trigger(pattern.value) for pattern in rule.patterns)
        wild = any(isinstance(pattern, Prefix | AnyEvent) for pattern in patterns)
        sent = [c for c in places.causes.catalogue if c.sent]
        names = [name for p in patterns for name in causes.matching(sent, p)]
        scope = replace(places.scope(names, wild), sender=True)
        found = expression(places.world, rule.rule, scope, "boolean", report)
        if found is not None:
            yield SendRule(patterns, found, path)


# --- the states -------------------------------------------------------------------------------


def _state(places: _Places, state: State, report: Report) -> State:
    """Fill in everything of a state that holds expressions."""
    world, written = places.world, places.tree.written[state.index]
    entry = places.scope(places.causes.entries[state.index])
    leaving = places.scope(places.causes.exits[state.index])
    initial = state.initial
    if initial is not None and written.initial is not None:
        begun = actions(world, written.initial.actions, entry, report)
        initial = replace(initial, actions=begun)
    return replace(
        state,
        initial=initial,
        entry=actions(world, written.entry, entry, report),
        exit=actions(world, written.exit, leaving, report),
        timers=tuple(_timers(world, state, written, entry, report)),
        invokes=tuple(_invokes(places, state, written, entry, report)),
        transitions=tuple(_transition(places, t, report) for t in state.transitions),
        always=tuple(_transition(places, t, report) for t in state.always),
        done_output=_output(world, written.output, entry, report) if state.index else None,
        restore=actions(world, written.restore, entry, report),
    )


def _timers(
    world: World, state: State, written: syntax.State, scope: Scope, report: Report
) -> Iterator[Timer]:
    for after in written.after:
        name = events.after(after.delay.value, state.path)
        found = delays.timer(world, name, after.delay, scope, report)
        if found is not None:
            yield found


def _invokes(
    places: _Places, state: State, written: syntax.State, scope: Scope, report: Report
) -> Iterator[Invoke]:
    """The invoked effects and machines."""
    for invoke, id in zip(written.invoke, places.tree.invoke_ids[state.index], strict=True):
        is_child = invoke.machine is not None
        named = invoke.machine or invoke.src
        if invoke.session is not None:
            finalize = actions(places.world, invoke.session.finalize, scope, report)
            yield scxml.invoke(places.world, invoke, id, finalize, scope, report)
            continue
        if named is None or not (is_child or effect_exists(places.world, named, report)):
            continue
        input = pairs(places.world, invoke.input, scope, report)
        observed = bool(invoke.on_snapshot)
        yield Invoke(id, named.value, input, invoke.span, is_child, observed)


def _transition(places: _Places, transition: Transition, report: Report) -> Transition:
    written = places.tree.arcs[transition.index]
    wild = isinstance(transition.trigger, Prefix | AnyEvent)
    scope = places.scope(places.causes.transitions[transition.index], wild)
    condition = None
    if written.guard is not None:
        condition = guard(places.world, written.guard, scope, report)
    done = actions(places.world, written.actions, scope, report)
    return replace(transition, guard=condition, actions=done)


def _output(
    world: World,
    written: tuple[syntax.Pair, ...] | Text | None,
    scope: Scope,
    report: Report,
) -> Output:
    match written:
        case None:
            return None
        case _ if world.machine.reading == "scxml":
            return scxml.output(world, written, scope, report)
        case Text():
            return expression(world, written, scope, None, report)
        case tuple():
            return pairs(world, written, scope, report)
