"""What this machine can need: a queue, eventless steps, timers, a log.

Loops and variables appear only in charts that can use them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass

from pawlc.lower.company import acts_when_chosen, is_alone
from pawlc.lower.turns import Turn, turns
from pawlc.model import events, settling, tree
from pawlc.model.machine import (
    Action,
    Cancel,
    CancelSend,
    EmitEffect,
    Exactly,
    Expression,
    Invoke,
    Kind,
    Log,
    Machine,
    PythonAssign,
    Raise,
    RaiseLater,
    Ref,
    Send,
    SessionSend,
    State,
    Transition,
    inside,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A machine and the answers to what its code must be able to do.

    `accompanied` are the transitions beside which another can be taken in the same microstep;
    `spontaneous` those that may act before anything is left; `turns` are those of all that have
    actions and either must wait or are accompanied.
    `unbound`: some timers belong to no state, so that leaving states never empties the list of live
    ones; `numbered`: some of these have no id; `cancels`: SCXML's `<cancel>` occurs.
    `settles`: an eventless transition may change nothing, and then is not taken again.
    `names` are the events that can reach a transition, in the order of their branches: declared
    ones first. `uses` holds the `(space, name)` of every scope name read anywhere.
    `sends`, `external`: SCXML's `<send>` occurs, and puts events into the external queue.
    """

    machine: Machine
    names: tuple[str, ...]
    eventless: bool
    settles: bool
    queue: bool
    effects: bool
    invokes: bool
    timers: bool
    unbound: bool
    numbered: bool
    cancels: bool
    messages: bool
    log: bool
    python: bool
    stepwise: bool
    masks: bool
    accompanied: frozenset[int]
    spontaneous: frozenset[int]
    turns: tuple[Turn, ...]
    actions: tuple[Action, ...]
    sends: bool
    external: bool
    uses: frozenset[tuple[str, str]]

    @property
    def version(self) -> str:
        """The prefix of the version's functions."""
        return f"v{self.machine.version}"

    @property
    def loops(self) -> bool:
        """Whether a macrostep can have more than one microstep."""
        return self.eventless or self.queue or self.masks

    @property
    def children(self) -> tuple[str, ...]:
        """The ids of the invokes that create an instance of a machine."""
        states = self.machine.states
        return tuple(invoke.id for s in states for invoke in s.invokes if invoke.child)

    @property
    def observed(self) -> tuple[Invoke, ...]:
        """The invokes whose snapshots the machine takes."""
        return tuple(i for state in self.machine.states for i in state.invokes if i.observed)

    @property
    def observed_children(self) -> tuple[str, ...]:
        """The ids of those among them that create an instance of a machine."""
        return tuple(invoke.id for invoke in self.observed if invoke.child)

    @property
    def sessions(self) -> tuple[Invoke, ...]:
        """What SCXML's `<invoke>` begins, in document order."""
        return tuple(i for s in self.machine.states for i in s.invokes if i.session is not None)

    @property
    def can_end(self) -> bool:
        """Whether the machine has a final state."""
        return any(s.kind is Kind.FINAL for s in self.machine.states)

    def is_sent_later(self, id: str) -> bool:
        """Whether a delayed `send` has this id."""
        sends = (a for a in self.machine.actions() if isinstance(a, Send) and a.delay is not None)
        return any(send.send_id == id for send in sends)

    def hears(self, name: str) -> bool:
        """Whether any transition can take an event of this name."""
        return any(matching(self.machine, name))


def plan(machine: Machine) -> Plan:
    """Look the machine over once."""
    actions = tuple(inside(tuple(machine.actions())))
    scxml = machine.errors == "event"
    sends = tuple(a for a in actions if isinstance(a, SessionSend))
    masks = any(s.kind in (Kind.PARALLEL, Kind.HISTORY) for s in machine.states)
    heard = tuple(name for name in _names(machine) if any(matching(machine, name)))
    composite = (s for s in machine.states if s.kind in (Kind.COMPOUND, Kind.PARALLEL))
    done = {s.done for s in composite if s.path}
    stepwise = any(ref.space == "in_state" for a in actions for ref in _refs(a))
    accompanied = _accompanied(machine, heard) if masks else frozenset()
    spontaneous = frozenset(
        t.index for t in machine.transitions() if masks and acts_when_chosen(machine, t, stepwise)
    )
    unbound = any(isinstance(a, RaiseLater | Cancel | CancelSend) or is_delayed(a) for a in actions)
    unbound = unbound or any(a.delay is not None for a in sends)
    unbound = unbound or any(migration.unbound for migration in machine.migrations)
    return Plan(
        machine=machine,
        names=heard,
        eventless=any(s.always for s in machine.states),
        settles=any(settling.may_settle(machine, t) for s in machine.states for t in s.always),
        queue=scxml or any(isinstance(a, Raise) for a in actions) or not done.isdisjoint(heard),
        effects=any(isinstance(a, EmitEffect) for a in actions),
        invokes=any(s.invokes for s in machine.states),
        timers=unbound or any(s.timers for s in machine.states),
        unbound=unbound,
        numbered=any(_is_numbered(a) for a in actions) or bool(sends),
        cancels=any(isinstance(a, CancelSend) for a in actions),
        messages=any(isinstance(a, Send) or may_leave(a) for a in actions) or _forwards(machine),
        log=any(isinstance(a, Log) for a in actions),
        python=any(isinstance(a, PythonAssign) for a in actions),
        stepwise=stepwise,
        masks=masks,
        accompanied=accompanied,
        spontaneous=spontaneous,
        turns=turns(machine, spontaneous - accompanied) if masks else (),
        actions=tuple(machine.actions()),
        sends=any(not send.to_internal for send in sends),
        external=any(not send.to_internal and send.delay is None for send in sends),
        uses=frozenset((ref.space, ref.name) for ref in _refs(machine)),
    )


def may_leave(action: Action) -> bool:
    """Whether an action may send an event to another session of SCXML."""
    match action:
        case SessionSend(to_internal=False, target=Expression(parts=parts)):
            return parts != ("'#_internal'",)
        case _:
            return False


def _forwards(machine: Machine) -> bool:
    invokes = (invoke for state in machine.states for invoke in state.invokes)
    return any(i.session is not None and i.session.forwards for i in invokes)


def is_delayed(action: Action) -> bool:
    """Whether an action sends a message later."""
    return isinstance(action, Send) and action.delay is not None


def _is_numbered(action: Action) -> bool:
    match action:
        case RaiseLater():
            return action.id is None
        case Send():
            return action.delay is not None and action.send_id is None
        case _:
            return False


def _accompanied(machine: Machine, names: tuple[str, ...]) -> frozenset[int]:
    by_leaf = not machine.regions_first
    groups = [(by_leaf, tuple(matching(machine, name))) for name in names]
    groups += [(by_leaf, tuple(for_unknown(machine))), (True, tuple(eventless(machine)))]
    return frozenset(
        transition.index
        for leafwise, asked in groups
        if not is_alone(machine.states, asked, leafwise)
        for _, transitions in asked
        for transition in transitions
    )


def matching(machine: Machine, name: str) -> Iterator[tuple[State, tuple[Transition, ...]]]:
    """The states with candidates for an event, innermost first, and those candidates in order."""
    for state in reversed(machine.states):
        found = tuple(
            t
            for t in state.transitions
            if t.trigger is not None and events.matches(t.trigger, name)
        )
        if found:
            yield state, found


def for_unknown(machine: Machine) -> Iterator[tuple[State, tuple[Transition, ...]]]:
    """The states with candidates for an event that nothing names: its wildcards."""
    for state in reversed(machine.states):
        found = tuple(t for t in state.transitions if not isinstance(t.trigger, Exactly))
        if found:
            yield state, found


def eventless(machine: Machine) -> Iterator[tuple[State, tuple[Transition, ...]]]:
    """The states with eventless transitions, innermost first."""
    for state in reversed(machine.states):
        if state.always:
            yield state, state.always


def leaves_inside(machine: Machine, index: int) -> tuple[int, ...]:
    """The atomic and final states that can be the active leaf while `index` is active."""
    inside = range(index, machine.states[index].last + 1)
    return tuple(s for s in inside if tree.is_leaf(machine.states[s]))


def _names(machine: Machine) -> tuple[str, ...]:
    """Every event name that can occur and that the definition names or implies."""
    named = [event.name for event in machine.events]
    named += [t.trigger.name for t in machine.transitions() if isinstance(t.trigger, Exactly)]
    every = tuple(inside(tuple(machine.actions())))
    named += [a.event for a in every if isinstance(a, Raise | RaiseLater)]
    named += [a.name for a in every if isinstance(a, SessionSend) and a.name is not None]
    named += [
        events.error_send(a.send_id) for a in every if isinstance(a, Send) and a.send_id is not None
    ]
    if machine.errors == "event":
        named += ["error.execution", "error.communication"]
    for state in machine.states:
        named += [timer.name for timer in state.timers]
        for invoke in state.invokes:
            named += [events.done_invoke(invoke.id), events.error_invoke(invoke.id)]
        if state.kind in (Kind.COMPOUND, Kind.PARALLEL) and state.path:
            named.append(state.done)
    return tuple(dict.fromkeys(named))


def _refs(value: object) -> Iterator[Ref]:
    """Every scope name inside a value of the model."""
    if isinstance(value, Expression):
        yield from value.refs()
    elif isinstance(value, tuple):
        for item in value:
            yield from _refs(item)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _refs(getattr(value, field.name))
