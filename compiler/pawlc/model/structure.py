"""The first pass: the tree, its targets and triggers, before any expression is read.

In: `syntax.Machine`. Out: a `Structure`, whose states and transitions are complete but for guards,
actions, timers, invokes and outputs, beside the syntax each came from. `causes` needs no more.
Reported here and in `targets`: PW201 to PW204, PW206, PW209.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from pawlc import syntax
from pawlc.diagnostics import Diagnostic
from pawlc.model import events, labels, targets, tree
from pawlc.model.machine import Initial, Kind, State, Transition, Trigger
from pawlc.model.targets import Directory
from pawlc.source import Text
from pawlc.suggest import did_you_mean

Reading = Literal["xstate", "scxml"]


@dataclass(frozen=True, slots=True)
class Structure:
    """The tree of states.

    `written[s]` is the syntax of state s, `arcs[t]` that of transition t; `invoke_ids[s]` are the
    ids of the invokes of state s, in their order.
    """

    states: tuple[State, ...]
    written: tuple[syntax.State, ...]
    arcs: tuple[syntax.Transition, ...]
    invoke_ids: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class _Arc:
    """A transition before its targets are looked up; `event` is what its label says. `late` ones
    are asked behind others of the same trigger."""

    source: int
    trigger: Trigger | None
    event: str
    syntax: syntax.Transition
    late: bool = False


def build(machine: syntax.Machine) -> tuple[Structure, tuple[Diagnostic, ...]]:
    """Resolve the structure; what cannot be resolved is reported and left out."""
    written, bare = _plant(machine)
    problems: list[Diagnostic] = []
    root_id = (machine.root.id or machine.name).value
    directory, same = targets.directory(bare, root_id, [s.id for s in written])
    problems += same
    states = tuple(_with_defaults(directory, s, written[s.index], problems) for s in bare)
    directory = replace(directory, states=states)
    invoke_ids = _invoke_ids(states, written, problems)
    reading = machine.reading
    arcs = _in_file_order(
        arc for s in states for arc in _arcs(s, written[s.index], invoke_ids[s.index], reading)
    )
    transitions = tuple(
        _transition(directory, index, arc, machine, problems) for index, arc in enumerate(arcs)
    )
    late = frozenset(index for index, arc in enumerate(arcs) if arc.late)
    wired = tuple(_with_transitions(state, transitions, late, reading) for state in states)
    return Structure(wired, written, tuple(a.syntax for a in arcs), invoke_ids), tuple(problems)


# --- the tree ---------------------------------------------------------------------------------


def _plant(machine: syntax.Machine) -> tuple[tuple[syntax.State, ...], tuple[State, ...]]:
    """Number the states in pre-order."""
    written: list[syntax.State] = []
    states: list[State] = []

    def visit(node: syntax.State, parent: int | None) -> int:
        index = len(states)
        path = targets.join_path(states[parent].path, node.key.value) if parent is not None else ""
        written.append(node)
        named = node.key.value if machine.reading == "scxml" else path
        bare = replace(_bare_state(node, index, path, parent), done=events.done_state(named))
        states.append(bare)
        children = tuple(visit(child, index) for child in node.states)
        states[index] = replace(states[index], children=children, last=len(states) - 1)
        return index

    visit(machine.root, None)
    return tuple(written), tuple(states)


def _bare_state(node: syntax.State, index: int, path: str, parent: int | None) -> State:
    return State(
        index=index,
        path=path,
        key=node.key.value,
        kind=kind(node),
        parent=parent,
        children=(),
        last=index,
        initial=None,
        transitions=(),
        always=(),
        entry=(),
        exit=(),
        timers=(),
        invokes=(),
        done_output=None,
        history=_history(node),
        history_default=(),
        tags=tuple(tag.value for tag in node.tags),
        meta=node.meta,
        description=node.description.value if node.description else None,
        span=node.key.span,
    )


def kind(node: syntax.State) -> Kind:
    """The written type, else what XState infers: `states` make it compound, `history` history.

    A type that contradicts the keys is `check`'s to report.
    """
    written = node.type.value if node.type is not None else ""
    if written == "parallel" and not node.states:
        return Kind.ATOMIC
    if written in ("parallel", "final", "history", "atomic"):
        return Kind(written)
    if node.states:
        return Kind.COMPOUND
    return Kind.HISTORY if node.history is not None else Kind.ATOMIC


def _history(node: syntax.State) -> Literal["shallow", "deep"] | None:
    if kind(node) is not Kind.HISTORY:
        return None
    deep = node.history is not None and node.history.value in ("deep", "true")
    return "deep" if deep else "shallow"


def _with_defaults(
    directory: Directory, state: State, node: syntax.State, problems: list[Diagnostic]
) -> State:
    """Fill in where a compound state begins and what a history state restores at first."""
    match state.kind:
        case Kind.COMPOUND:
            return replace(state, initial=_initial(directory, state, node, problems))
        case Kind.HISTORY if node.target:
            found = _look_up(directory, state.index, node.target, problems)
            return replace(state, history_default=found)
        case _:
            return state


def _initial(
    directory: Directory, state: State, node: syntax.State, problems: list[Diagnostic]
) -> Initial:
    """Its actions come in the second pass. Without one the first child stands in."""
    fallback = Initial(state.children[:1], ())
    if node.initial is None or not node.initial.targets:
        problems.append(_no_initial(directory, state, node))
        return fallback
    found = tuple(
        index
        for target in node.initial.targets
        if (index := _initial_target(directory, state, target, problems)) is not None
    )
    return Initial(found, ()) if found else fallback


def _initial_target(
    directory: Directory, state: State, target: Text, problems: list[Diagnostic]
) -> int | None:
    """A child by its key (XState), or a descendant by its id (W3C SCXML 3.3)."""
    states = directory.states
    if target.value.startswith("#"):
        found = targets.find(directory, state.index, target.value)
        if found is not None and tree.is_descendant(states, found, state.index):
            return found
    for child in state.children:
        if states[child].key == target.value:
            return child
    problems.append(_not_inside(directory, state, target))
    return None


# --- transitions ------------------------------------------------------------------------------


def _invoke_ids(
    states: tuple[State, ...], written: tuple[syntax.State, ...], problems: list[Diagnostic]
) -> tuple[tuple[str, ...], ...]:
    taken: dict[str, syntax.Invoke] = {}
    ids: list[tuple[str, ...]] = []
    for state in states:
        own = []
        for invoke in written[state.index].invoke:
            id = _invoke_id(state, invoke)
            if id in taken:
                problems.append(_same_invoke(id, invoke, taken[id]))
            taken.setdefault(id, invoke)
            own.append(id)
        ids.append(tuple(own))
    return tuple(ids)


def _invoke_id(state: State, invoke: syntax.Invoke) -> str:
    if invoke.id is not None:
        return invoke.id.value
    return events.invoke_id(state.path, invoked(invoke))


def invoked(invoke: syntax.Invoke) -> str:
    """The name of what is invoked: an effect or a machine."""
    name = invoke.src or invoke.machine
    return name.value if name is not None else "invoke"


def _arcs(
    state: State, node: syntax.State, invoke_ids: tuple[str, ...], reading: Reading
) -> Iterator[_Arc]:
    """All transitions of a state, in XState's order of collecting them."""
    trigger = events.scxml_trigger if reading == "scxml" else events.trigger
    source = state.index
    for handler in node.on:
        name = handler.descriptor.value
        for t in handler.transitions:
            yield _Arc(source, trigger(name), name, t)
    for t in node.on_done:
        yield _Arc(source, events.trigger(state.done), "done", t)
    for invoke, id in zip(node.invoke, invoke_ids, strict=True):
        name = invoked(invoke)
        if id != events.invoke_id(state.path, name):
            name = id
        for t in invoke.on_done:
            yield _Arc(source, events.trigger(events.done_invoke(id)), f"done({name})", t)
        for t in invoke.on_error:
            yield _Arc(source, events.trigger(events.error_invoke(id)), f"error({name})", t)
        for t in invoke.on_snapshot:
            yield _Arc(source, events.trigger(events.snapshot_invoke(id)), f"snapshot({name})", t)
    for after in node.after:
        delay = after.delay.value
        for t in after.transitions:
            event = events.after(delay, state.path)
            yield _Arc(source, events.trigger(event), f"after {delay}", t, late=True)
    for t in node.always:
        yield _Arc(source, None, "always", t)


def _in_file_order(arcs: Iterator[_Arc]) -> tuple[_Arc, ...]:
    return tuple(sorted(arcs, key=lambda arc: arc.syntax.span.start))


def _transition(
    directory: Directory,
    index: int,
    arc: _Arc,
    machine: syntax.Machine,
    problems: list[Diagnostic],
) -> Transition:
    states = directory.states
    written = arc.syntax.targets
    found = _look_up(directory, arc.source, written, problems) if written else ()
    name = machine.name.value
    names = tuple(states[t].path or name for t in found)
    if machine.reading == "scxml":
        domain = tree.scxml_domain(states, arc.source, found, arc.syntax.internal)
    else:
        domain = tree.domain(states, arc.source, found, arc.syntax.reenter)
    return Transition(
        index=index,
        source=arc.source,
        trigger=arc.trigger,
        guard=None,
        targets=found,
        domain=domain,
        actions=(),
        label=labels.label(states[arc.source].path or name, arc.event, arc.syntax.guard, names),
        span=arc.syntax.span,
    )


def _look_up(
    directory: Directory, source: int, written: tuple[Text, ...], problems: list[Diagnostic]
) -> tuple[int, ...]:
    found: list[int] = []
    for target in written:
        index = targets.find(directory, source, target.value)
        if index is None:
            problems.append(_unknown_target(directory, source, target))
        elif any(tree.conflict(directory.states, index, other) for other in found):
            problems.append(_incompatible(directory, target, found))
        else:
            found.append(index)
    return tuple(found)


def _with_transitions(
    state: State, transitions: tuple[Transition, ...], late: frozenset[int], reading: Reading
) -> State:
    """The candidates of a state: W3C asks them in document order, XState exact names first, and
    those of `after` behind a handler of the same event."""
    own = [t for t in transitions if t.source == state.index]
    triggered = [(t.trigger, t) for t in own if t.trigger is not None]
    if reading == "xstate":
        first = {trigger: t.index for trigger, t in reversed(triggered)}
        triggered.sort(
            key=lambda pair: (events.priority(pair[0]), first[pair[0]], pair[1].index in late)
        )
    return replace(
        state,
        transitions=tuple(t for _, t in triggered),
        always=tuple(t for t in own if t.trigger is None),
    )


# --- complaints -------------------------------------------------------------------------------


def _named(state: State) -> str:
    return f"state `{state.path}`" if state.path else "the machine"


def _no_initial(directory: Directory, state: State, node: syntax.State) -> Diagnostic:
    first = directory.states[state.children[0]].key
    return Diagnostic(
        "PW202",
        f"{_named(state)} has states but no initial one",
        node.key.span,
        "where does it begin?",
        hint=f"add `initial: {first}`",
    )


def _not_inside(directory: Directory, state: State, target: Text) -> Diagnostic:
    keys = [directory.states[c].key for c in state.children]
    return Diagnostic(
        "PW203",
        f"the initial state `{target.value}` is not a child of {_named(state)}",
        target.span,
        "no child has this name",
        hint=did_you_mean(target.value, keys) or f"its children: {', '.join(keys)}",
    )


def _unknown_target(directory: Directory, source: int, target: Text) -> Diagnostic:
    return Diagnostic(
        "PW204",
        f"transition targets unknown state `{target.value}`",
        target.span,
        "no state has this name",
        hint=targets.suggestion(directory, source, target.value),
    )


def _incompatible(directory: Directory, target: Text, others: list[int]) -> Diagnostic:
    states = directory.states
    index = next(o for o in others)
    return Diagnostic(
        "PW206",
        f"`{target.value}` and `{states[index].path}` can never be active together",
        target.span,
        "not in another region of a parallel state",
        hint="several targets must lie in different regions of one parallel state",
    )


def _same_invoke(id: str, invoke: syntax.Invoke, first: syntax.Invoke) -> Diagnostic:
    name = invoke.id or invoke.src or invoke.machine
    return Diagnostic(
        "PW209",
        f"two invokes have the id `{id}`",
        name.span if name else invoke.span,
        "this id is taken",
        hint="give each its own `id`",
        related=((first.span, "the first one is here"),),
    )
