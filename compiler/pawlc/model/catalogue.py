"""Every event that a machine can process, and what each carries.

In: the declarations and the structure. Out: `Carried`s for `causes`, in this order: creation, the
declared events, results of invokes and of messages, done states, timers, events only raised, events
only handled, and for a machine that is not strict whatever else may come.
"""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.model import events
from pawlc.model.causes import UNKNOWN, Carried
from pawlc.model.expressions import World
from pawlc.model.machine import Exactly, Kind
from pawlc.model.structure import Structure


def catalogue(world: World, tree: Structure) -> tuple[Carried, ...]:
    """Collect them, each name once; the first description of a name counts."""
    raised = tuple(dict.fromkeys(_raised(world.machine, tree)))
    found: dict[str, Carried] = {}
    for carried in (
        Carried(events.CREATION),
        *_declared(world, raised),
        *_invoke_results(world, tree),
        *_returned(world.machine, tree),
        *_done_states(tree),
        *_timers(tree),
    ):
        found.setdefault(carried.name, carried)
    for name in raised:
        found.setdefault(name, Carried(name, has_data=True, sent=True, raised=True))
    for name in _handled(tree):
        found.setdefault(name, Carried(name, has_data=True, sent=True))
    if not world.machine.strict:
        found[UNKNOWN] = Carried(UNKNOWN, has_data=True, sent=True)
    return tuple(found.values())


def _declared(world: World, raised: tuple[str, ...]) -> Iterator[Carried]:
    for event in world.events.values():
        fields = {column.name: column.type for column in event.fields}
        yield Carried(event.name, fields, sent=True, raised=event.name in raised)


def _invoke_results(world: World, tree: Structure) -> Iterator[Carried]:
    for state, written in zip(tree.states, tree.written, strict=True):
        for invoke, id in zip(written.invoke, tree.invoke_ids[state.index], strict=True):
            effect = world.effects.get(invoke.src.value) if invoke.src else None
            returns = effect.returns if effect and effect.returns else ()
            output = {column.name: column.type for column in returns}
            home = state.index
            yield Carried(events.done_invoke(id), output=output, has_output=True, home=home)
            yield Carried(events.error_invoke(id), has_error=True, home=home)
            if invoke.on_snapshot:
                yield Carried(events.snapshot_invoke(id), has_snapshot=True, home=home)


def _returned(machine: syntax.Machine, tree: Structure) -> Iterator[Carried]:
    for action in _all_actions(machine, tree):
        if isinstance(action, syntax.Send) and action.id is not None:
            yield Carried(events.error_send(action.id.value), has_error=True)


def _done_states(tree: Structure) -> Iterator[Carried]:
    """Those that can be done at all, and those that an `onDone` waits for in vain."""
    for state, written in zip(tree.states, tree.written, strict=True):
        if state.index and (written.on_done or _can_be_done(tree, state.index)):
            yield Carried(state.done, has_output=True, raised=True)


def _can_be_done(tree: Structure, index: int) -> bool:
    state = tree.states[index]
    inside = range(index + 1, state.last + 1)
    finals = [s for s in inside if tree.states[s].kind is Kind.FINAL]
    if state.kind is Kind.COMPOUND:
        return any(tree.states[s].parent == index for s in finals)
    return state.kind is Kind.PARALLEL and bool(finals)


def _timers(tree: Structure) -> Iterator[Carried]:
    for state, written in zip(tree.states, tree.written, strict=True):
        for after in written.after:
            yield Carried(events.after(after.delay.value, state.path), home=state.index)


def _handled(tree: Structure) -> Iterator[str]:
    """The names that a transition takes exactly."""
    for state in tree.states:
        for transition in state.transitions:
            if isinstance(transition.trigger, Exactly):
                yield transition.trigger.name


def _raised(machine: syntax.Machine, tree: Structure) -> Iterator[str]:
    for action in _all_actions(machine, tree):
        if isinstance(action, syntax.Raise):
            yield action.event.value


def _all_actions(machine: syntax.Machine, tree: Structure) -> Iterator[syntax.Action]:
    for arc in tree.arcs:
        yield from arc.actions
    for state in tree.written:
        yield from (*state.entry, *state.exit)
        if state.initial is not None:
            yield from state.initial.actions
    for named in machine.actions:
        yield from named.actions
