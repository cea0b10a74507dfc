"""The elements of a document: the machine, its states and transitions.

What SCXML has no word for is refused, and so is a transition that would exit other states (Appendix
D, getTransitionDomain).

Reported here: PW970, PW971, and PW972 as a warning.
"""

import re
from collections.abc import Iterator

from pawlc import syntax
from pawlc.diagnostics import Diagnostic, Severity
from pawlc.expr.literals import text_of
from pawlc.model import events
from pawlc.model.machine import OUTSIDE, Kind, State, Transition, Trigger
from pawlc.model.structure import Structure, build
from pawlc.parse.scxml.reader import PAWL, SCXML
from pawlc.source import Span, Text
from pawlc.write.scxml.content import Content
from pawlc.write.scxml.differences import differences
from pawlc.write.scxml.expressions import Expressions
from pawlc.write.scxml.names import OWN, state_ids
from pawlc.write.scxml.root import otherwise, root
from pawlc.write.scxml.xml import Tag, text

_ELEMENTS = {
    Kind.ATOMIC: "state",
    Kind.COMPOUND: "state",
    Kind.PARALLEL: "parallel",
    Kind.FINAL: "final",
    Kind.HISTORY: "history",
}
_STRICT = "SCXML ignores what this definition refuses, and an error is an event"
_STRICT_HINT = (
    "an event that nothing takes, a malformed payload, an error in an expression; "
    "what it accepts goes the same way"
)


def scxml(machine: syntax.Machine) -> tuple[str, tuple[Diagnostic, ...]]:
    """The text, and what SCXML cannot say or does otherwise."""
    structure, _ = build(machine)
    writer = _Writer(machine, structure)
    return text(writer.document()), tuple(dict.fromkeys(writer.found))


class _Writer:
    """Writes one machine; keeps what it could not say."""

    def __init__(self, machine: syntax.Machine, structure: Structure) -> None:
        self.machine = machine
        self.structure = structure
        self.states = structure.states
        self.found: list[Diagnostic] = []
        self.ids = state_ids(self.states)
        self.root = root(structure, self.ids)
        ids = {self.states[i].path: id for i, id in self.ids.items()}
        self.expressions = Expressions(machine, ids, self.refuse)
        self.content = Content(machine, self.expressions)
        if self.root.outer is not None:
            self.ids = {0: self.root.outer, **self.ids}
        self.timers: dict[str, str] = {}

    def refuse(self, code: str, message: str, span: Span, label: str, hint: str) -> None:
        """Keep what is wrong."""
        self.found.append(Diagnostic(code, message, span, label, hint))

    # --- the document -------------------------------------------------------------------------

    def document(self) -> Tag:
        """The element `<scxml>`."""
        machine, written = self.machine, self.structure.written[0]
        if machine.reading == "scxml":
            hint = "convert it to another form"
            self.refuse("PW970", "this is SCXML already", machine.name.span, "nothing to do", hint)
            return Tag("scxml", {})
        self._warnings()
        self.found += differences(machine, self.structure)
        self._sections()
        self.found += otherwise(self.root, machine, self.structure)
        data = [self._data(column) for column in machine.context]
        inside = [*([Tag("datamodel", {}, tuple(data))] if data else ()), *self._top()]
        begins = self._start(0) if written.initial is not None else None
        return Tag(
            "scxml",
            {
                "xmlns": SCXML,
                "xmlns:pawl": PAWL,
                "version": "1.0",
                "name": machine.name.value,
                "initial": self.root.outer or begins,
                "pawl:version": None if machine.version == 1 else str(machine.version),
                **self._notes(written, machine.description),
            },
            tuple(inside),
        )

    def _top(self) -> Iterator[Tag]:
        """The states of the document, or one around those that do not end it."""
        outer, done = self.root.outer, self.root.done
        if outer is not None:
            yield self._state(0)
        else:
            yield from map(self._state, self.states[0].children)
        yield from map(self._state, self.root.ends)
        if done is not None:
            yield Tag("final", {"id": done}, tuple(self._donedata(self.machine.root.output)))

    def _warnings(self) -> None:
        """Say what every document of SCXML does otherwise, and which states have other names."""
        machine, name = self.machine, self.machine.name
        has_values = bool(machine.context) or any(event.fields for event in machine.events)
        if machine.strict or has_values:
            self._warn(_STRICT, name.span, "it refuses, SCXML does not", _STRICT_HINT)
        if self.root.outer is not None:
            message = f"`<scxml>` is no state: the machine's own is `{self.root.outer}` there"
            hint = "what a machine has beside states stands in it, and the others in it too"
            if self.root.done is not None:
                hint += f"; when they are done, it is in `{self.root.done}`"
            self._warn(message, name.span, "a state around the others", hint)
        for index, id in self.ids.items():
            key = self.structure.written[index].key
            if index and id != key.value:
                message = f"the state `{self.states[index].path}` is called `{id}` in SCXML"
                hint = "an id is a name, and there is only one of it in a document"
                self._warn(message, key.span, "another name", hint)

    def _warn(self, message: str, span: Span, label: str, hint: str) -> None:
        self.found.append(
            Diagnostic("PW972", message, span, label, hint, severity=Severity.WARNING)
        )

    def _sections(self) -> None:
        """Refuse what the database adds to a chart and SCXML has no word for."""
        machine, name = self.machine, self.machine.name
        said: list[tuple[str, Span | None]] = [
            ("authorize", _ruled(machine.authorize)),
            ("public", None if machine.public is None else name.span),
            ("indexes", machine.indexes[0][0].span if machine.indexes else None),
            ("migrate", machine.migrate[0].version.span if machine.migrate else None),
            ("retention", machine.retention.span if machine.retention else None),
            ("reply", name.span if machine.reply != "state" else None),
            ("realtime", name.span if machine.realtime else None),
            ("samples", _sampled(machine.samples)),
            *(("effects", effect.name.span) for effect in machine.effects),
        ]
        for section, span in said:
            if span is not None:
                message = f"SCXML has no `{section}`"
                hint = "take it out, or keep the definition in YAML or XState's JSON"
                self.refuse("PW970", message, span, "cannot be said", hint)

    def _data(self, column: syntax.Column) -> Tag:
        return Tag("data", {"id": column.name.value, "pawl:type": column.definition.value})

    def _notes(self, state: syntax.State, description: Text | None = None) -> dict[str, str | None]:
        """What is only said, in our namespace."""
        told = description or state.description
        return {
            "pawl:description": told.value if told is not None else None,
            "pawl:tags": " ".join(tag.value for tag in state.tags) or None,
            "pawl:meta": state.meta,
        }

    # --- states -------------------------------------------------------------------------------

    def _state(self, index: int) -> Tag:
        state, written = self.states[index], self.structure.written[index]
        if (span := _ruled(written.authorize)) is not None:
            hint = "take it out, or keep the definition in YAML"
            self.refuse("PW970", "SCXML has no `authorize`", span, "cannot be said", hint)
        begins_first = state.initial is not None and state.kind is Kind.COMPOUND
        children = state.children if index else self.root.inner
        notes = self._notes(written) if index else {}
        attributes: dict[str, str | None] = {"id": self.ids[index]}
        if begins_first and written.initial is not None:
            attributes["initial"] = self._start(index)
        if state.kind is Kind.HISTORY:
            attributes["type"] = state.history
        inside = [
            *self._block("onentry", written.entry),
            *self._clock(index, "onentry"),
            *self._block("onexit", written.exit),
            *self._clock(index, "onexit"),
            *self._initial(index),
            *self._default(state),
            *self._invokes(index),
            *(self._ends() if not index else ()),
            *self._transitions(index),
            *map(self._state, children),
            *self._done(state, written),
        ]
        return Tag(_ELEMENTS[state.kind], attributes | notes, tuple(inside))

    def _ends(self) -> Iterator[Tag]:
        """The way to the end of a machine whose regions are all done."""
        if self.root.done is not None:
            yield Tag("transition", {"cond": self.root.is_done, "target": self.root.done})

    def _block(self, name: str, actions: tuple[syntax.Action, ...]) -> Iterator[Tag]:
        inside = tuple(self.content.all(actions))
        if inside:
            yield Tag(name, {}, inside)

    def _start(self, index: int) -> str | None:
        """The attribute `initial`; an element says it where actions belong to it."""
        written, initial = self.structure.written[index].initial, self.states[index].initial
        if written is None or initial is None or written.actions:
            return None
        return self._names(initial.targets)

    def _initial(self, index: int) -> Iterator[Tag]:
        written, initial = self.structure.written[index].initial, self.states[index].initial
        if written is not None and written.actions and initial is not None:
            inside = tuple(self.content.all(written.actions))
            arc = Tag("transition", {"target": self._names(initial.targets)}, inside)
            yield Tag("initial", {}, (arc,))

    def _default(self, state: State) -> Iterator[Tag]:
        """Where a history leads that has none."""
        if state.kind is Kind.HISTORY and state.history_default:
            yield Tag("transition", {"target": self._names(state.history_default)})

    def _names(self, targets: tuple[int, ...]) -> str:
        return " ".join(self.ids[target] for target in targets)

    def _done(self, state: State, written: syntax.State) -> Iterator[Tag]:
        """The data of the done event; those of a final state at the top are the machine's."""
        output = self.machine.root.output if state.parent == 0 else written.output
        if state.kind is Kind.FINAL:
            yield from self._donedata(output)

    def _donedata(self, output: tuple[syntax.Pair, ...] | Text | None) -> Iterator[Tag]:
        if output is None:
            return
        if isinstance(output, Text):
            is_text = text_of(output.value.strip()) is not None
            said = f"{self.expressions.sql(output)}{'::jsonb' if is_text else ''}"
            inside: tuple[Tag, ...] = (Tag("content", {"expr": said}),)
        else:
            inside = self.content.params(output, {})
        yield Tag("donedata", {}, inside)

    def _clock(self, index: int, name: str) -> Iterator[Tag]:
        """Begin or end the delays of a state, each a delayed event of its own."""
        inside = []
        for after in self.structure.written[index].after:
            event = self._timer(index, after.delay.value)
            if name == "onexit":
                inside.append(Tag("cancel", {"sendid": event}))
            else:
                waits = self.content.delay(after.delay, {})
                inside.append(Tag("send", {"event": event, "id": event, **waits}))
        if inside:
            yield Tag(name, {}, tuple(inside))

    def _timer(self, index: int, delay: str) -> str:
        """The event of a delay: its own name without blanks."""
        own = events.after(delay, self.states[index].path)
        made = events.after(re.sub(r"\W+", "_", delay), self.ids[index])
        taken = set(self.timers.values())
        if own not in self.timers:
            self.timers[own] = made if made not in taken else f"{made}_{len(taken)}"
        return self.timers[own]

    def _invokes(self, index: int) -> Iterator[Tag]:
        ids = self.structure.invoke_ids[index]
        invokes = self.structure.written[index].invoke
        for invoke, id in zip(invokes, ids, strict=False):
            if invoke.machine is None:
                continue  # its effect is refused where it is declared
            inside = self.content.params(invoke.input, {})
            yield Tag("invoke", {"src": f"machine:{invoke.machine}", "id": id}, inside)

    # --- transitions --------------------------------------------------------------------------

    def _transitions(self, index: int) -> Iterator[Tag]:
        state = self.states[index]
        for found in state.transitions:
            assert found.trigger is not None
            arc = self.structure.arcs[found.index]
            yield self._transition(found, arc, self._descriptor(found.trigger, arc))
        for found in state.always:
            arc = self.structure.arcs[found.index]
            yield self._transition(found, arc, None)

    def _transition(self, found: Transition, arc: syntax.Transition, event: str | None) -> Tag:
        targets, type = self._targets(found, arc)
        guard = None if arc.guard is None else self.expressions.condition(arc.guard)
        description = arc.description.value if arc.description is not None else None
        return Tag(
            "transition",
            {
                "event": event,
                "cond": guard,
                "target": self._names(targets) or None,
                "type": type,
                "pawl:description": description,
            },
            tuple(self.content.all(arc.actions)),
        )

    def _targets(
        self, found: Transition, arc: syntax.Transition
    ) -> tuple[tuple[int, ...], str | None]:
        """Targets and `type` with which SCXML exits the same states."""
        targets, source = self._entered(found), self.states[found.source]
        if found.domain == source.index and targets == (source.index,):
            if source.kind is Kind.ATOMIC:
                return (), None
            start = self.structure.written[source.index].initial
            if source.kind is Kind.COMPOUND and source.initial and start and not start.actions:
                targets = source.initial.targets
        is_plain = self.root.has_nothing and 0 not in targets
        is_left = self.root.outer is not None and found.domain == OUTSIDE
        if 0 in found.targets and not (is_plain or is_left):
            message = "SCXML cannot enter the machine itself again"
            hint = "put a state around all others, and let this lead there"
            self.refuse("PW971", message, arc.span, "the machine is no target there", hint)
            return (), None
        for type in (None, "internal"):
            if self.root.exits_alike(found, targets, internal=type is not None):
                return targets, type
        hint = "put a state around the regions, or enter what it leaves by transitions of its own"
        message = "SCXML would leave other states than this transition does"
        self.refuse("PW971", message, arc.span, "a parallel state is left, or its regions", hint)
        return targets, None

    def _entered(self, found: Transition) -> tuple[int, ...]:
        """The targets; the machine's own state is not entered anew where it is not exited."""
        initial, children = self.structure.written[0].initial, self.states[0].children
        if found.targets != (0,) or found.domain != 0:
            return found.targets
        if self.states[0].kind is Kind.PARALLEL:
            return children
        begins = self.states[0].initial
        is_plain = begins is not None and initial is not None and not initial.actions
        return begins.targets if begins is not None and is_plain else found.targets

    def _descriptor(self, trigger: Trigger, arc: syntax.Transition) -> str:
        """What the transition waits for, with SCXML's names of the machine's own events."""
        name = events.written(trigger)
        if name in self.timers:
            return self.timers[name]
        done = {state.done: f"done.state.{self.ids[state.index]}" for state in self.states[1:]}
        if name in done:
            return done[name]
        if name.startswith(("done.state", *OWN)):
            message = f"SCXML has no events `{name}`"
            hint = "take the transition out, or name the event that comes instead"
            self.refuse("PW970", message, arc.span, "another name there", hint)
        return name


def _ruled(authorize: syntax.Authorize | None) -> Span | None:
    """Where rules stand; without any only trusted callers may use the machine, as in SCXML."""
    if authorize is None or not (authorize.create or authorize.read or authorize.send):
        return None
    return authorize.span


def _sampled(samples: syntax.Samples) -> Span | None:
    every = (*samples.claims, *samples.contexts)
    return every[0].name.span if every else None
