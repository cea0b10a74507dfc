"""Which events can lead to a place of the definition, and so which `event` fields it may read.

In: the states of a `Structure` with their transitions, and what each event carries, as `Carried`.
Out: `Causes`, which answers with the types of events for a transition, for entering and leaving a
state and for the end of the machine; and `event_scope`, which turns such a set into the scope
of an expression.

The answer is never too small, and sometimes too large: guards are not looked at. An eventless
transition is tried after every microstep, also after an event that no transition took (W3C SCXML
Appendix D, mainEventLoop), so whatever can happen while its source is active may cause it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pawlc.expr.scope import EventScope
from pawlc.model import events, tree
from pawlc.model.machine import AnyEvent, Kind, Prefix, State, Transition, Trigger

UNKNOWN = "*"
"""Stands for the events that nobody declared and a machine that is not strict still takes."""


@dataclass(frozen=True, slots=True)
class Carried:
    """An event type and what it carries: payload fields, output, an error, a snapshot, or an
    untyped payload.

    Callers can send it (`sent`), the machine can raise it (`raised`). `home` is the state that must
    be active when it happens, for timers and invokes.
    """

    name: str
    fields: Mapping[str, str] = field(default_factory=dict)
    output: Mapping[str, str] = field(default_factory=dict)
    has_output: bool = False
    has_error: bool = False
    has_snapshot: bool = False
    has_data: bool = False
    sent: bool = False
    raised: bool = False
    home: int | None = None


@dataclass(frozen=True, slots=True)
class Causes:
    """The event types that can cause something, in the order of the catalogue.

    `transitions[t]`, `entries[s]`, `exits[s]` are by index; `end` is about completing the machine.
    """

    catalogue: tuple[Carried, ...]
    transitions: tuple[tuple[str, ...], ...]
    entries: tuple[tuple[str, ...], ...]
    exits: tuple[tuple[str, ...], ...]
    end: tuple[str, ...]


Names = frozenset[str]


def find(states: Sequence[State], catalogue: tuple[Carried, ...], strict: bool) -> Causes:
    """Follow every event through the chart until nothing new turns up."""
    transitions = _all_transitions(states)
    may_enter = {t.index: entered(states, t) for t in transitions}
    initial = frozenset(default_entry(states, 0))
    caused = _fixpoint(states, transitions, catalogue, strict, may_enter, initial)
    entries = _entry_causes(states, transitions, caused, may_enter, initial)
    end = _union(entries[s] for s in _last_states(states))
    exits = _exit_causes(states, transitions, caused, end)
    order = [c.name for c in catalogue]

    def ordered(names: Names) -> tuple[str, ...]:
        return tuple(name for name in order if name in names)

    return Causes(
        catalogue=catalogue,
        transitions=tuple(ordered(caused[t.index]) for t in transitions),
        entries=tuple(map(ordered, entries)),
        exits=tuple(map(ordered, exits)),
        end=ordered(end),
    )


_CREATED: Names = frozenset({events.CREATION})


def matching(catalogue: Iterable[Carried], trigger: Trigger) -> tuple[str, ...]:
    """The event types that a descriptor takes; creation is never one."""
    wild = isinstance(trigger, Prefix | AnyEvent)
    return tuple(
        c.name
        for c in catalogue
        if c.name != events.CREATION
        and (wild if c.name == UNKNOWN else events.matches(trigger, c.name))
    )


def _all_transitions(states: Sequence[State]) -> tuple[Transition, ...]:
    found = (t for s in states for t in (*s.transitions, *s.always))
    return tuple(sorted(found, key=lambda t: t.index))


def _fixpoint(
    states: Sequence[State],
    transitions: tuple[Transition, ...],
    catalogue: tuple[Carried, ...],
    strict: bool,
    may_enter: Mapping[int, frozenset[int]],
    initial: frozenset[int],
) -> dict[int, Names]:
    """Triggered transitions are caused by what they match; eventless ones by what others are."""
    caused = {
        t.index: frozenset(matching(catalogue, t.trigger)) if t.trigger else frozenset()
        for t in transitions
    }
    eventless = [t for t in transitions if t.trigger is None]
    own = {
        t.index: _idle(states, catalogue, strict, t.source)
        | (_CREATED if t.source in initial else frozenset())
        for t in eventless
    }
    changed = bool(eventless)
    while changed:
        changed = False
        for t in eventless:
            names = own[t.index] | _union(
                caused[u.index]
                for u in transitions
                if t.source in may_enter[u.index] or _stays(states, u, t.source)
            )
            changed = changed or names != caused[t.index]
            caused[t.index] = names
    return caused


def _idle(
    states: Sequence[State], catalogue: tuple[Carried, ...], strict: bool, source: int
) -> Names:
    """The events that may pass without a transition while a state is active."""
    return frozenset(
        c.name
        for c in catalogue
        if c.name != events.CREATION
        and not (strict and c.sent and not c.raised)
        and (c.home is None or not tree.conflict(states, c.home, source))
    )


def _stays(states: Sequence[State], transition: Transition, index: int) -> bool:
    """Whether a state can be active before and after a transition without being left."""
    if tree.conflict(states, transition.source, index):
        return False
    return transition.domain is None or not tree.is_descendant(states, index, transition.domain)


def _entry_causes(
    states: Sequence[State],
    transitions: tuple[Transition, ...],
    caused: Mapping[int, Names],
    may_enter: Mapping[int, frozenset[int]],
    initial: frozenset[int],
) -> tuple[Names, ...]:
    """For each state, what may lead into it."""
    found: list[set[str]] = [set(_CREATED if s.index in initial else ()) for s in states]
    for transition in transitions:
        for state in may_enter[transition.index]:
            found[state] |= caused[transition.index]
    return tuple(map(frozenset, found))


def _exit_causes(
    states: Sequence[State],
    transitions: tuple[Transition, ...],
    caused: Mapping[int, Names],
    end: Names,
) -> tuple[Names, ...]:
    """For each state, what may lead out of it: a transition, or the end of the machine, at which
    the exit actions of all that is active run."""
    found: list[set[str]] = [set() for _ in states]
    for transition in transitions:
        if transition.domain is None:
            continue
        for state in tree.together(states, transition.source):
            if tree.is_descendant(states, state, transition.domain):
                found[state] |= caused[transition.index]
    for final in _last_states(states):
        for state in (final, *tree.ancestors(states, final)):
            found[state] |= end
    return tuple(map(frozenset, found))


def _last_states(states: Sequence[State]) -> tuple[int, ...]:
    """The final states whose entry can complete the machine."""
    match states[0].kind:
        case Kind.COMPOUND:
            candidates: Iterable[int] = states[0].children
        case Kind.PARALLEL:
            candidates = range(1, len(states))
        case _:
            candidates = ()
    return tuple(s for s in candidates if states[s].kind is Kind.FINAL)


def _union(sets: Iterable[Names]) -> Names:
    return frozenset().union(*sets)


# --- what a transition can enter --------------------------------------------------------------


def entered(states: Sequence[State], transition: Transition) -> frozenset[int]:
    """Every state that a transition may enter, whatever history remembers."""
    domain = transition.around
    if domain is None:
        return frozenset()
    found: set[int] = set()
    for target in transition.targets:
        path = tree.entry_path(states, domain, target)
        found.update(path, default_entry(states, target))
        around = (domain, *path[:-1]) if domain >= 0 else path[:-1]
        for outer in around:
            if states[outer].kind is Kind.PARALLEL:
                found.update(default_entry(states, outer))
    entering = (s for s in found if tree.is_descendant(states, s, domain))
    return frozenset(s for s in entering if states[s].kind is not Kind.HISTORY)


def default_entry(states: Sequence[State], index: int) -> tuple[int, ...]:
    """A state with everything that entering it by default may enter.

    A history state stands for its parent's whole inside and for its default.
    """
    state = states[index]
    match state.kind:
        case Kind.ATOMIC | Kind.FINAL:
            return (index,)
        case Kind.PARALLEL:
            inside = (default_entry(states, child) for child in tree.regions(states, index))
            return (index, *(s for child in inside for s in child))
        case Kind.COMPOUND:
            targets = state.initial.targets if state.initial else ()
            return (index, *_paths(states, index, targets))
        case Kind.HISTORY:
            parent = state.parent or 0
            inside_parent = range(parent + 1, states[parent].last + 1)
            return (*inside_parent, *_paths(states, parent, state.history_default))


def _paths(states: Sequence[State], outer: int, targets: Iterable[int]) -> tuple[int, ...]:
    return tuple(
        s
        for target in targets
        for s in (*tree.entry_path(states, outer, target), *default_entry(states, target))
    )


# --- what an expression may read --------------------------------------------------------------


def event_scope(causes: Causes, names: Sequence[str], wildcard: bool = False) -> EventScope:
    """What `event.` may name where any of these events can be the cause."""
    found = [c for c in causes.catalogue if c.name in names]
    payload = _Merged.of([(c.name, c.fields) for c in found])
    output = _Merged.of([(c.name, c.output) for c in found if c.has_output])
    partial = {
        **payload.partial,
        **{f"output.{k}": v for k, v in output.partial.items()},
        **_partly("output", found, [c.has_output for c in found]),
        **_partly("error", found, [c.has_error for c in found]),
        **_partly("snapshot", found, [c.has_snapshot for c in found]),
    }
    return EventScope(
        causes=tuple(c.name for c in found),
        fields=payload.all,
        partial=partial,
        conflicting={
            **payload.conflicting,
            **{f"output.{k}": v for k, v in output.conflicting.items()},
        },
        output=output.all,
        has_output=bool(found) and all(c.has_output for c in found),
        has_error=bool(found) and all(c.has_error for c in found),
        has_snapshot=bool(found) and all(c.has_snapshot for c in found),
        has_data=wildcard or any(c.has_data for c in found),
    )


def _partly(
    name: str, found: Sequence[Carried], having: Sequence[bool]
) -> dict[str, tuple[str, ...]]:
    """`output` or `error` when only some causes have it: the ones that lack it."""
    if not any(having) or all(having):
        return {}
    lacking = (c.name for c, has in zip(found, having, strict=True) if not has)
    return {name: tuple(lacking)}


@dataclass(frozen=True, slots=True)
class _Merged:
    """Fields that all declare with one type, that some lack, that differ in type."""

    all: Mapping[str, str]
    partial: Mapping[str, tuple[str, ...]]
    conflicting: Mapping[str, tuple[str, ...]]

    @staticmethod
    def of(declared: Sequence[tuple[str, Mapping[str, str]]]) -> "_Merged":
        names = dict.fromkeys(name for _, fields in declared for name in fields)
        everywhere: dict[str, str] = {}
        partial: dict[str, tuple[str, ...]] = {}
        conflicting: dict[str, tuple[str, ...]] = {}
        for name in names:
            types = tuple(dict.fromkeys(f[name] for _, f in declared if name in f))
            lacking = tuple(event for event, f in declared if name not in f)
            if len(types) > 1:
                conflicting[name] = types
            elif lacking:
                partial[name] = lacking
            else:
                everywhere[name] = types[0]
        return _Merged(everywhere, partial, conflicting)
