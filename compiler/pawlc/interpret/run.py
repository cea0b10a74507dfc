"""One macrostep under way: selection, microsteps, actions (W3C SCXML, Appendix D).

`Run` holds what changes while a macrostep lasts; nobody sees it but `initial` and `macrostep`.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal, assert_never

from pawlc.interpret import session
from pawlc.interpret.entry import EntrySet
from pawlc.interpret.trace import (
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
from pawlc.model import events, settling, tree
from pawlc.model.machine import (
    Action,
    Assign,
    Block,
    Cancel,
    CancelSend,
    EmitEffect,
    Expression,
    Fail,
    ForEach,
    If,
    Invoke,
    Kind,
    Log,
    Machine,
    PythonAssign,
    Raise,
    RaiseLater,
    Send,
    SessionSend,
    State,
    Timer,
    Transition,
)

_REMEMBERED = 20
"""How many of its last transitions an endless loop is described by."""


def without_source(snapshot: Snapshot, event: Event) -> Snapshot:
    """The snapshot without the timer that fires, or the invoke that answers, by this event."""
    if event.external:
        return snapshot
    return replace(
        snapshot,
        timers=tuple(t for t in snapshot.timers if t.name != (event.timer or event.type)),
        invokes=tuple(
            id
            for id in snapshot.invokes
            if event.type not in (events.done_invoke(id), events.error_invoke(id))
        ),
    )


class Run:
    """A macrostep under way."""

    def __init__(
        self,
        machine: Machine,
        evaluate: Evaluate,
        facts: Facts,
        python: CallPython | None,
        snapshot: Snapshot,
        event: Event,
    ) -> None:
        self.machine = machine
        self.states = machine.states
        self.evaluate = evaluate
        self.facts = facts
        self.python = python
        self.event = event
        self.context: dict[str, object] = dict(snapshot.context)
        self.active: set[int] = set(snapshot.configuration)
        self.history = dict(snapshot.history)
        self.timers = {timer.name: timer for timer in snapshot.timers}
        self.invokes = list(snapshot.invokes)
        self.pending: dict[str, InvokeStarted] = {}
        self.invoking: list[Invoke] = []
        self.raised_without_id = 0
        self.status: Literal["running", "done", "stopped"] = "running"
        self.output: object = None
        self.queue: deque[Event] = deque()
        self.external: deque[Event] = deque()
        self.sendid: str | None = None
        self.answers: dict[int, bool] = {}
        self.trace: list[Step] = []
        self.taken: deque[int] = deque(maxlen=_REMEMBERED)
        self.microsteps = 0

    def outcome(self, handled: bool) -> Outcome:
        """The snapshot after the macrostep, and what led to it."""
        snapshot = Snapshot(
            configuration=tuple(sorted(self.active)),
            context=self.context,
            status=self.status,
            output=self.output,
            history=self.history,
            timers=tuple(self.timers.values()),
            invokes=tuple(self.invokes),
        )
        return Outcome(snapshot, tuple(self.trace), handled)

    # --- the loop of a macrostep --------------------------------------------------------------

    def settle(self) -> None:
        """Take eventless transitions, then internal events, until nothing is left to do.

        After an eventless microstep that changed nothing, the next event is awaited.
        """
        settled = False
        while self.status == "running":
            selected = () if settled else self.select_eventless()
            eventless = bool(selected)
            if not selected:
                if not self.queue:
                    self._begin_sessions()
                if not self.queue and not self.external:
                    break
                waiting = self.queue or self.external
                self.event = waiting.popleft()
                if waiting is self.external:
                    self._forward()
                if self.machine.errors == "event":
                    self._count(())
                selected = self.select()
            mark, before = len(self.trace), frozenset(self.active)
            self.microstep(selected)
            settled = eventless and not self._has_changed(mark, before)
        self._start_invokes()

    def _has_changed(self, mark: int, before: frozenset[int]) -> bool:
        """Whether a microstep did anything after which an eventless transition may act anew."""
        if not settling.settles(self.machine) or self.active != before:
            return True
        steps = self.trace[mark:]
        return any(
            isinstance(step, Assigned)
            or (isinstance(step, Exited) and settling.records(self.states, step.state))
            for step in steps
        )

    def microstep(self, selected: tuple[Transition, ...]) -> None:
        """Exit, act, enter; and if that completed the machine, end it."""
        if not selected:
            return
        self._count(selected)
        self._exit(selected)
        for transition in selected:
            self.trace.append(Took(transition.index))
            self.execute(transition.actions)
        self._enter(selected)
        self._end_if_done()

    def enter_initial(self) -> None:
        """The first microstep of an instance."""
        self.microsteps += 1
        entries = EntrySet(self.machine, self.history)
        entries.add_root()
        self._enter_states(entries)
        self._end_if_done()

    def begin(self, timers: Iterable[Timer], invokes: Iterable[Invoke]) -> None:
        """Let timers and invokes begin without entering their states: a migration does."""
        self._set_timers(timers)
        self._prepare_invokes(invokes)
        self._start_invokes()

    def _count(self, selected: tuple[Transition, ...]) -> None:
        self.microsteps += 1
        self.taken.extend(t.source for t in selected)
        if self.microsteps > self.machine.microsteps:
            paths = (self.states[s].path or self.machine.name for s in sorted(set(self.taken)))
            raise EndlessLoop(tuple(paths), self.machine.microsteps)

    # --- selection ----------------------------------------------------------------------------

    def select(self) -> tuple[Transition, ...]:
        """The transitions that the current event takes."""
        self.answers = {}
        if self.machine.regions_first:
            return self._without_conflicts(self._ask(0))
        return self._without_conflicts(
            t for leaf in self._leaves() for t in self._first_upwards(leaf)
        )

    def select_eventless(self) -> tuple[Transition, ...]:
        """The eventless transitions that are enabled, asked leaf by leaf."""
        self.answers = {}
        return self._without_conflicts(
            t for leaf in self._leaves() for t in self._first_upwards(leaf, eventless=True)
        )

    def _leaves(self) -> tuple[int, ...]:
        return tree.leaves(self.states, self.active)

    def _ask(self, index: int) -> tuple[Transition, ...]:
        """Ask the active children first, and the state itself only if none of them answers."""
        children = (c for c in self.states[index].children if c in self.active)
        inside = tuple(t for child in children for t in self._ask(child))
        return inside or self._candidate(self.states[index], eventless=False)

    def _first_upwards(self, leaf: int, eventless: bool = False) -> tuple[Transition, ...]:
        for index in (leaf, *tree.ancestors(self.states, leaf)):
            if found := self._candidate(self.states[index], eventless):
                return found
        return ()

    def _candidate(self, state: State, eventless: bool) -> tuple[Transition, ...]:
        """The first transition of a state that matches and whose guard is true."""
        for transition in state.always if eventless else state.transitions:
            trigger = transition.trigger
            matches = trigger is None or events.matches(trigger, self.event.type)
            if matches and self._is_enabled(transition):
                return (transition,)
        return ()

    def _is_enabled(self, transition: Transition) -> bool:
        """Whether its guard is true; in one selection it is asked once."""
        if transition.guard is None:
            return True
        if transition.index not in self.answers:
            self.answers[transition.index] = self._holds(transition.guard)
        return self.answers[transition.index]

    def _without_conflicts(self, enabled: Iterable[Transition]) -> tuple[Transition, ...]:
        """W3C's removeConflictingTransitions: an inner source wins, else the first."""
        kept: list[Transition] = []
        for transition in {t.index: t for t in enabled}.values():
            rivals = [other for other in kept if self._exits_same(transition, other)]
            if all(self._is_inside(transition, rival) for rival in rivals):
                kept = [t for t in kept if t not in rivals]
                kept.append(transition)
        return tuple(kept)

    def _exits_same(self, one: Transition, other: Transition) -> bool:
        return not set(self._exit_set(one)).isdisjoint(self._exit_set(other))

    def _is_inside(self, one: Transition, other: Transition) -> bool:
        return tree.is_descendant(self.states, one.source, other.source)

    def _exit_set(self, transition: Transition) -> tuple[int, ...]:
        return tree.exit_order(self.states, self.active, transition.domain)

    # --- leaving ------------------------------------------------------------------------------

    def _exit(self, selected: tuple[Transition, ...]) -> None:
        leaving = sorted({s for t in selected for s in self._exit_set(t)}, reverse=True)
        for index in leaving:
            self._record_history(index)
        for index in leaving:
            self._leave(index)
            self.active.remove(index)

    def _record_history(self, index: int) -> None:
        for history in tree.histories(self.states, index):
            if self.states[history].history == "deep":
                inside = (s for s in self._leaves() if tree.is_descendant(self.states, s, index))
            else:
                inside = (s for s in self.states[index].children if s in self.active)
            self.history[history] = tuple(inside)

    def _leave(self, index: int) -> None:
        state = self.states[index]
        self.trace.append(Exited(index))
        self.execute(state.exit)
        for timer in state.timers:
            self._void_timer(timer.name)
        for invoke in state.invokes:
            self.pending.pop(invoke.id, None)
            self.invoking = [waiting for waiting in self.invoking if waiting.id != invoke.id]
            if invoke.id in self.invokes:
                self.invokes.remove(invoke.id)
                self.trace.append(InvokeCancelled(invoke.id))

    # --- entering -----------------------------------------------------------------------------

    def _enter(self, selected: tuple[Transition, ...]) -> None:
        entries = EntrySet(self.machine, self.history)
        for transition in selected:
            entries.add_transition(transition)
        self._enter_states(entries)

    def _enter_states(self, entries: EntrySet) -> None:
        completed: set[int] = set()
        for index in entries.in_order():
            state = self.states[index]
            self.active.add(index)
            self.trace.append(Entered(index))
            self.execute(state.entry)
            self._set_timers(state.timers)
            self._prepare_invokes(state.invokes)
            if index in entries.by_default and state.initial is not None:
                self.execute(state.initial.actions)
            if index in entries.restored:
                self.execute(self.states[entries.restored[index]].restore)
            if state.kind is Kind.FINAL:
                self._complete(state, completed)

    def _set_timers(self, timers: Iterable[Timer]) -> None:
        for timer in timers:
            event = Event(timer.name, external=False)
            self._set_timer(timer.name, self.value(timer.delay), timer.deadline, event)

    def _set_timer(
        self, name: str, delay: object, deadline: bool, event: Event, message: Sent | None = None
    ) -> None:
        """Begin a timer; it takes the place of one that already has its name."""
        self._void_timer(name)
        live = LiveTimer(name, delay, deadline, self.facts.now, event, message)
        self.timers[name] = live
        self.trace.append(TimerSet(live))

    def _void_timer(self, name: str) -> None:
        if self.timers.pop(name, None) is not None:
            self.trace.append(TimerVoided(name))

    def _prepare_invokes(self, invokes: Iterable[Invoke]) -> None:
        for invoke in invokes:
            if invoke.session is not None:
                self.invoking.append(invoke)
                continue
            values = self._values(invoke.input)
            self.pending[invoke.id] = InvokeStarted(invoke.id, invoke.effect, values)

    def _start_invokes(self) -> None:
        for started in self.pending.values():
            if started.id not in self.invokes:  # of a machine that is entered while it is active
                self.invokes.append(started.id)
            self.trace.append(started)

    # --- completion ---------------------------------------------------------------------------

    def _complete(self, final: State, completed: set[int]) -> None:
        """Raise the done events of a final state's entry, inner to outer, and end at the root."""
        assert final.parent is not None
        parent = self.states[final.parent]
        above: int | None = parent.index
        if parent.kind is Kind.COMPOUND:
            if parent.parent is not None:
                self._raise_done(parent, self._done_data(final.done_output))
            above = parent.parent
        while self._is_completed(above, completed):
            assert above is not None
            completed.add(above)
            region = self.states[above]
            if region.parent is not None:
                self._raise_done(region, None)
            above = region.parent
            if self.machine.done_chain == "grandparent":
                break
        if above is None:
            self.status = "done"
            is_scxml = self.machine.errors == "event"
            answer = self._done_data(final.done_output) if is_scxml else None
            self.output = answer if is_scxml else self._output(self.machine.output)

    def _is_completed(self, index: int | None, completed: set[int]) -> bool:
        if index is None or index in completed or self.states[index].kind is not Kind.PARALLEL:
            return False
        return self._is_in_final_state(index)

    def _is_in_final_state(self, index: int) -> bool:
        """W3C's isInFinalState."""
        state = self.states[index]
        match state.kind:
            case Kind.COMPOUND:
                return any(
                    c in self.active and self.states[c].kind is Kind.FINAL for c in state.children
                )
            case Kind.PARALLEL:
                return all(self._is_in_final_state(r) for r in tree.regions(self.states, index))
            case Kind.FINAL:
                return index in self.active
            case Kind.ATOMIC | Kind.HISTORY:
                return False
            case _:
                assert_never(state.kind)

    def _raise_done(self, state: State, output: object) -> None:
        event = Event(state.done, output=output, external=False)
        self.queue.append(event)
        self.trace.append(Raised(event))

    def stop(self) -> None:
        """Leave everything, and end."""
        self.status = "stopped"
        self._end_if_done()

    def _end_if_done(self) -> None:
        if self.status != "running":
            for index in sorted(self.active, reverse=True):
                self._leave(index)
            for name in tuple(self.timers):
                self._void_timer(name)

    def _done_data(self, output: tuple[tuple[str, Expression], ...] | Expression | None) -> object:
        """The data of a done event; in SCXML an error leaves it empty (W3C SCXML 5.7)."""
        if self.machine.errors == "fail":
            return self._output(output)
        try:
            return self._output(output) or None
        except Failed as failed:
            self._fail(failed)
            return None

    def _output(self, output: tuple[tuple[str, Expression], ...] | Expression | None) -> object:
        match output:
            case None:
                return None
            case Expression():
                return self.value(output)
            case tuple():
                return self._values(output)

    # --- actions ------------------------------------------------------------------------------

    def execute(self, actions: tuple[Action, ...]) -> None:
        """Run actions in order."""
        for action in actions:
            match action:
                case Assign():
                    self._assign(self._values(action.fields))
                case PythonAssign():
                    self._assign(self._call(action))
                case Raise():
                    event = Event(action.event, self._values(action.data), external=False)
                    self.queue.append(event)
                    self.trace.append(Raised(event))
                case RaiseLater():
                    self._raise_later(action)
                case Send():
                    self._send(action)
                case Cancel():
                    self._void_timer(events.raised_later(action.id))
                    self._void_timer(events.sent_later(action.id))
                case EmitEffect():
                    self.trace.append(Emitted(action.effect, self._values(action.input)))
                case Log():
                    self.trace.append(Logged(self.value(action.value)))
                case Block():
                    self._block(action)
                case If():
                    self._if(action)
                case ForEach():
                    self._for_each(action)
                case SessionSend():
                    self._send_to_session(action)
                case CancelSend():
                    id = str(self.value(action.id))
                    for name in [n for n in self.timers if session.is_timer_of(n, id)]:
                        self._void_timer(name)
                case Fail():
                    self._cannot(action)
                case _:
                    assert_never(action)

    # --- what only charts from SCXML have -----------------------------------------------------

    def _block(self, action: Block) -> None:
        """An error ends the block and is raised (W3C SCXML 3.12.2)."""
        self.sendid = None
        try:
            self.execute(action.actions)
        except Failed as failed:
            self._fail(failed)

    def _fail(self, failed: Failed) -> None:
        event = session.error(failed, self.sendid)
        self.queue.append(event)
        self.trace.append(Raised(event))

    def _holds(self, condition: Expression) -> bool:
        """A condition that cannot be evaluated is false, and an error (W3C SCXML 5.9.1)."""
        if self.machine.errors == "fail":
            return self.value(condition) is True
        try:
            return self.value(condition) is True
        except Failed as failed:
            self.sendid = None
            self._fail(failed)
            return False

    def _if(self, action: If) -> None:
        for condition, branch in action.branches:
            if condition is None or self._holds(condition):
                self.execute(branch)
                return

    def _for_each(self, action: ForEach) -> None:
        """The array is looked at once (W3C SCXML 4.6)."""
        items = self.value(action.array)
        if not isinstance(items, list):
            raise Failed("this is no array")
        for number, item in enumerate(tuple(items)):
            places = {action.item: item}
            if action.index is not None:
                places[action.index] = number
            self._assign(places)
            self.execute(action.actions)

    def _send_to_session(self, action: SessionSend) -> None:
        name = action.name if action.event is None else self.value(action.event)
        id = None if action.id is None else str(self.value(action.id))
        if action.idlocation is not None:
            id = self._number()
            self._assign({action.idlocation: id})
        self.sendid = id
        target, type = (
            None if part is None else self.value(part) for part in (action.target, action.type)
        )
        own = f"{self.machine.name}/{self.facts.id}"
        goal = None
        if not action.to_internal:
            goal = session.target_of(_text(target), _text(type), own, self.invokes)
        data: object
        match action.data:
            case tuple():
                data = self._values(action.data)
            case Expression():
                data = self.value(action.data)
            case None:
                data = None
        if name is None:
            raise Failed("the event has no name")
        event = session.sent(str(name), data, id, None if goal is None else own)
        away = None if goal in (None, own) else session.message(str(goal), event)
        if action.delay is not None:
            self._send_later(action.delay, event, id, away)
        elif away is not None:
            self.trace.append(away)
        else:
            (self.queue if goal is None else self.external).append(event)
            self.trace.append(Raised(event))
        self.sendid = None

    def _send_later(
        self, delay: Expression, event: Event, id: str | None, away: Sent | None
    ) -> None:
        """A timer of its own name: several of one id may be pending."""
        due = self.value(delay)
        if due is None:
            raise Failed("the delay is null")
        number = self._number()
        timer = number if id is None else session.timer_name(id, number)
        self._set_timer(timer, due, False, replace(event, timer=timer), away)

    def receive(self) -> None:
        """What an event of a child, or any external one, does before it is processed (6.5)."""
        if not self._sessions():
            return
        shown = session.shown(self.event) or {}
        for invoke in self._sessions():
            if invoke.session is not None and shown.get("invokeid") == invoke.id:
                self.execute(invoke.session.finalize)
        if session.is_external(self.event):
            self._forward()

    def _forward(self) -> None:
        for invoke in self._sessions():
            asked = invoke.session
            if asked is not None and asked.forwards and invoke.id in self.invokes:
                self.trace.append(session.forwarded(self.event, invoke.id))

    def _sessions(self) -> tuple[Invoke, ...]:
        return tuple(i for s in self.states for i in s.invokes if i.session is not None)

    def _begin_sessions(self) -> None:
        """Begin what the states invoke that were entered and not left again (6.4)."""
        waiting, self.invoking = sorted(self.invoking, key=lambda i: i.span.start), []
        for invoke in waiting:
            self.sendid = None
            try:
                self._begin(invoke)
            except Failed as failed:
                self._fail(failed)

    def _begin(self, invoke: Invoke) -> None:
        asked = invoke.session
        assert asked is not None
        if asked.fails is not None:
            self._cannot(asked.fails)
        if asked.type is not None:
            session.check_type(self.value(asked.type))
        machine = invoke.effect
        if asked.source is not None:
            source = str(self.value(asked.source))
            machine = session.machine_of(asked, source, self.facts.machines)
        if asked.idlocation is not None:
            self._assign({asked.idlocation: invoke.id})
        started = InvokeStarted(invoke.id, machine, self._values(invoke.input))
        self.invokes.append(invoke.id)
        self.trace.append(started)

    def _cannot(self, action: Fail) -> None:
        kind = "error.communication" if action.unreachable else "error.execution"
        raise Failed(action.reason, kind)

    def _raise_later(self, action: RaiseLater) -> None:
        name = events.raised_later(action.id) if action.id is not None else self._number()
        payload, delay = self._values(action.data), self.value(action.delay)
        event = Event(action.event, payload, external=False, timer=name)
        self._set_timer(name, delay, action.deadline, event)

    def _number(self) -> str:
        """The name of a timer that nothing can cancel."""
        self.raised_without_id += 1
        return events.raised_without_id(self.facts.seq, self.raised_without_id)

    def _send(self, action: Send) -> None:
        event = Event(action.event, self._values(action.data))
        receiver = None if action.id is None else self.value(action.id)
        message = Sent(action.machine, receiver, action.child, event, action.send_id, action.atomic)
        if action.delay is None:
            self.trace.append(message)
            return
        name = events.sent_later(action.send_id) if action.send_id is not None else self._number()
        self._set_timer(name, self.value(action.delay), action.deadline, event, message)

    def value(self, expression: Expression) -> object:
        """Evaluate in the present: the context as it is now, the states that are active now."""
        paths = tuple(self.states[s].path for s in sorted(self.active))
        environment = Environment(dict(self.context), self.event, self.facts, self.machine, paths)
        return self.evaluate(expression, environment)

    def _values(self, pairs: tuple[tuple[str, Expression], ...]) -> dict[str, object]:
        """Evaluate together: no expression sees another's result."""
        return {name: self.value(expression) for name, expression in pairs}

    def _assign(self, values: Mapping[str, object]) -> None:
        self.context.update(values)
        self.trace.append(Assigned(values))

    def _call(self, action: PythonAssign) -> Mapping[str, object]:
        if self.python is None:
            raise LookupError(f"no Python to call {action.function} with")
        arguments = tuple(self.value(argument) for argument in action.arguments)
        return self.python(action.function, arguments)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
