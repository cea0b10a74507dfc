"""The reference semantics: W3C SCXML's algorithm (Appendix D) over the model, slow and plain.

In: a machine, a snapshot, an event and `evaluate`, which answers expressions. Out: the next
snapshot and the trace of everything that was done, in order. Pure; an exception of `evaluate`
passes through, and then nothing has happened.

    initial     the snapshot of a new instance
    macrostep   everything that one event causes, up to the next stable configuration
    trace       the values that go in and come out
    run         selection, microsteps, actions
    entry       which states a microstep enters
    migrate     what an instance becomes in another version
    session     what only charts from SCXML do with events

What the standard leaves open, or where the model makes XState's choice:

- Selection: an ancestor of a parallel state is asked for an event only when no region answered
  (`Machine.regions_first`); eventless transitions are always selected leaf by leaf.
- A microstep exits (innermost and last first: exit actions, then timers, then invokes), runs the
  actions of its transitions, and enters (document order: entry actions, timers, invokes, then the
  actions of `initial`). History is recorded before any exit action.
- Eventless transitions are tried after every microstep and once after an event that none took.
- An invoke's input is computed on entry; it starts at the end of the macrostep if its state is
  still active. A timer that is due and an invoke that answers are no longer live when their event
  runs.
- A delayed `raise` is a timer that no state binds. Its payload is computed when it is raised; when
  it is due its event is a macrostep, which a strict machine does not refuse. The same id again
  takes the place of the pending one; `cancel` voids it, also in the macrostep that raised it. The
  end of the machine voids all.
- A message to another instance only shows in the trace. A delayed `send` is a timer as a delayed
  `raise` is one, with receiver and payload computed when it is sent; when it is due the message
  goes out, and the sender takes no macrostep.
- A machine is done when a child of the root is final, or all regions of a parallel root are. Its
  output is computed there; then the exit actions of all active states run, the root's last. The
  configuration stays. Internal events still waiting are dropped.
- More microsteps in one macrostep than the machine allows are an `EndlessLoop`; the initial entry
  is one, an event that nothing takes is none.
- A strict machine refuses an external event that no transition takes: nothing changes, not even by
  an eventless transition.
"""

from collections.abc import Mapping
from dataclasses import replace

from pawlc.interpret.migrate import migrated
from pawlc.interpret.run import Run, without_source
from pawlc.interpret.session import shown
from pawlc.interpret.trace import (
    NO_FACTS,
    Assigned,
    CallPython,
    Emitted,
    EndlessLoop,
    Entered,
    Environment,
    Evaluate,
    Event,
    Exited,
    Facts,
    Failed,
    InvokeCancelled,
    InvokeStarted,
    LiveTimer,
    Logged,
    Outcome,
    Raised,
    Sent,
    Snapshot,
    Step,
    TimerSet,
    TimerVoided,
    Took,
)
from pawlc.model import events
from pawlc.model.machine import Machine

__all__ = [
    "NO_FACTS",
    "Assigned",
    "CallPython",
    "Emitted",
    "EndlessLoop",
    "Entered",
    "Environment",
    "Evaluate",
    "Event",
    "Exited",
    "Facts",
    "Failed",
    "InvokeCancelled",
    "InvokeStarted",
    "LiveTimer",
    "Logged",
    "Outcome",
    "Raised",
    "Sent",
    "Snapshot",
    "Step",
    "TimerSet",
    "TimerVoided",
    "Took",
    "initial",
    "macrostep",
    "migrated",
    "shown",
    "stopped",
]


def initial(
    machine: Machine,
    evaluate: Evaluate,
    context: Mapping[str, object],
    facts: Facts = NO_FACTS,
    python: CallPython | None = None,
) -> Outcome:
    """Create an instance: fields not in `context` take defaults, then the initial macrostep."""
    run = Run(machine, evaluate, facts, python, Snapshot((), context), Event(events.CREATION))
    run.context = {c.name: context.get(c.name) for c in machine.context}
    for column in machine.context:
        if column.name not in context and column.default is not None:
            run.context[column.name] = run.value(replace(column.default, type=column.type))
    run.enter_initial()
    run.settle()
    return run.outcome(handled=True)


def macrostep(
    machine: Machine,
    snapshot: Snapshot,
    event: Event,
    evaluate: Evaluate,
    facts: Facts = NO_FACTS,
    python: CallPython | None = None,
) -> Outcome:
    """Process one event. An instance that is done takes none."""
    if snapshot.status != "running":
        return Outcome(snapshot, (), handled=False)
    run = Run(machine, evaluate, facts, python, without_source(snapshot, event), event)
    run.receive()
    selected = run.select()
    if not selected and machine.strict and event.external:
        return Outcome(snapshot, (), handled=False)
    run.microstep(selected)
    run.settle()
    return run.outcome(handled=bool(selected))


def stopped(
    machine: Machine, snapshot: Snapshot, evaluate: Evaluate, facts: Facts = NO_FACTS
) -> Outcome:
    """End a session because its parent has left the state that invoked it (W3C SCXML 6.4.3)."""
    run = Run(machine, evaluate, facts, None, snapshot, Event(events.STOP))
    run.stop()
    return run.outcome(handled=True)
