"""A document of SCXML in the native reading: the same tree, with the same configurations.

Transitions get `reenter` where SCXML exits their source; data become fields, `_event.data` the
fields of declared events, `<raise>` and delayed `<send>` a `raise`. What the native reading would
do otherwise is refused, as `write.scxml` refuses it the other way round.

Reported here: PW973, PW974, and PW975 as a warning.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from pawlc import syntax
from pawlc.diagnostics import Diagnostic, Severity
from pawlc.model import events, tree
from pawlc.model.machine import AnyEvent, Kind, Prefix, Transition
from pawlc.model.structure import Structure, build
from pawlc.parse.yaml.shapes import replaced
from pawlc.source import Span, Text
from pawlc.write.native_reading.content import Content
from pawlc.write.native_reading.delays import Delay, delays

_KEEP = "keep the document: it deploys as it is"
_OTHERWISE = "YAML takes names of events exactly, and an error undoes all of its event"
_OTHERWISE_HINT = (
    "`pay` does not take `pay.late`; an expression that fails is no event `error.execution`"
)
_NAME = re.compile(r"[A-Za-z]\w*")
_OWN = ("done.", "error.", "after.")


def native_reading(machine: syntax.Machine) -> tuple[syntax.Machine, tuple[Diagnostic, ...]]:
    """The machine in the native reading, and what that cannot say or does otherwise."""
    structure, _ = build(machine)
    reader = _Reader(machine, structure)
    return reader.machine(), tuple(dict.fromkeys(reader.found))


class _Reader:
    """Rereads one document; keeps what it could not say."""

    def __init__(self, machine: syntax.Machine, structure: Structure) -> None:
        self.source = machine
        self.structure = structure
        self.states = structure.states
        self.found: list[Diagnostic] = []
        self.content = Content(machine, self.refuse)
        self.delays: dict[str, Text] = {}
        self.is_dotted = _is_dotted(structure)

    def refuse(self, code: str, message: str, span: Span, hint: str = _KEEP) -> None:
        """Keep what is wrong."""
        label = "cannot be said" if code == "PW973" else "would go another way"
        self.found.append(Diagnostic(code, message, span, label, hint))

    def _warn(self, span: Span) -> None:
        """Say what is otherwise in every definition."""
        label, warning = "not so in YAML", Severity.WARNING
        self.found.append(
            Diagnostic("PW975", _OTHERWISE, span, label, _OTHERWISE_HINT, severity=warning)
        )

    # --- the machine --------------------------------------------------------------------------

    def machine(self) -> syntax.Machine:
        """The whole definition."""
        source = self.source
        if source.context or any(state.on for state in self.structure.written):
            self._warn(source.name.span)
        entry = tuple(self.content.all(self.content.begun(source.root.entry)))
        context = tuple(self.content.column(column) for column in source.context)
        root = self._state(0)
        delays = (syntax.Named(replaced(v, n), (), v) for n, v in self.delays.items())
        return replace(
            source,
            reading="xstate",
            session="",
            children=(),
            context=context,
            root=replace(root, id=None, entry=entry, output=self._output()),
            delays=tuple(delays),
            events=self.content.expressions.declared(),
            authorize=syntax.Authorize(None, None, (), source.name.span),
        )

    def _output(self) -> tuple[syntax.Pair, ...] | Text | None:
        """What the machine gives when it is done: that of its only final state."""
        final = [s for s in self.states if s.parent == 0 and s.kind is Kind.FINAL]
        outputs = [self.structure.written[s.index].output for s in final]
        if len(final) > 1 and any(output is not None for output in outputs):
            message = "YAML has one `output` for the machine, and here each final state has its own"
            self.refuse("PW973", message, self.structure.written[final[0].index].span)
        return self.content.output(outputs[0]) if outputs else None

    # --- states -------------------------------------------------------------------------------

    def _state(self, index: int) -> syntax.State:
        state, written = self.states[index], self.structure.written[index]
        for invoke in written.invoke:
            self.refuse("PW973", "YAML does not invoke sessions of SCXML", invoke.span)
        if written.restore:
            message = "YAML's history has no actions of its own"
            self.refuse("PW973", message, written.span)
        entry, exit, waits = delays(written)
        after = (syntax.After(self._waits(w), tuple(self._some(index, w.event))) for w in waits)
        return replace(
            written,
            id=None,
            initial=self._initial(index),
            states=tuple(self._state(child) for child in state.children),
            on=tuple(self._handlers(index)),
            after=tuple(after),
            always=tuple(self._transition(t) for t in state.always),
            on_done=tuple(self._some(index, events.done_state(state.path))) if index else (),
            entry=self.content.entry(written, entry) if index else (),
            exit=tuple(self.content.all(exit)),
            invoke=(),
            output=self.content.output(written.output) if state.parent else None,
            target=self._targets(index, state.history_default, written.span) or None,
            restore=(),
        )

    def _waits(self, delay: Delay) -> Text:
        """How long a delay waits: as written, or a name of its own for what computes it."""
        if not delay.is_computed:
            return delay.delay
        said = self.content.sql(delay.delay)
        words = [word for word in delay.event.split(".")[1:] if _NAME.fullmatch(word)]
        name, number = words[0] if words else "delay", 1
        while self.delays.setdefault(name, said).value != said.value:
            number += 1
            name = f"{name.rstrip('0123456789')}{number}"
        return replaced(delay.delay, name)

    def _initial(self, index: int) -> syntax.Initial | None:
        state, written = self.states[index], self.structure.written[index].initial
        if written is None or state.initial is None:
            return None
        if [self.states[t].parent for t in state.initial.targets] != [index]:
            message = "YAML begins in a child of the state, and in one only"
            self.refuse("PW973", message, written.span, "let the children say where they begin")
        keys = tuple(
            replaced(text, self.states[target].key)
            for text, target in zip(written.targets, state.initial.targets, strict=False)
        )
        return replace(written, targets=keys, actions=tuple(self.content.all(written.actions)))

    def _targets(self, source: int, targets: Iterable[int], span: Span) -> tuple[Text, ...]:
        """Targets as seen from a state: a sibling by its key, a child with a dot, else the path."""
        return tuple(Text(self._seen(source, t), span, (span.start,)) for t in targets)

    def _seen(self, source: int, target: int) -> str:
        found = self.states[target]
        parent = self.states[source].parent
        if found.parent == parent and source:
            return found.key
        if found.parent == source:
            return f".{found.key}"
        return f"#{self.source.name}.{found.path}"

    # --- transitions --------------------------------------------------------------------------

    def _handlers(self, index: int) -> Iterator[syntax.Handler]:
        """A handler for each descriptor, but those of `onDone` and `after`."""
        state = self.states[index]
        apart = {events.done_state(state.path)} if index else set()
        apart |= {delay.event for delay in delays(self.structure.written[index])[2]}
        names: dict[str, list[Transition]] = {}
        for found in self._in_order(index):
            assert found.trigger is not None
            name = self._descriptor(found)
            if name not in apart:
                names.setdefault(name, []).append(found)
        for name, group in names.items():
            span = self.structure.arcs[group[0].index].span
            descriptor = Text(name, span, (span.start,))
            yield syntax.Handler(descriptor, tuple(self._transition(t, name) for t in group))

    def _some(self, index: int, name: str) -> Iterator[syntax.Transition]:
        for found in self._in_order(index):
            if self._descriptor(found) == name:
                yield self._transition(found, name)

    def _in_order(self, index: int) -> tuple[Transition, ...]:
        """The candidates of a state; what YAML would ask in another order is refused."""
        candidates = self.states[index].transitions
        for place, found in enumerate(candidates):
            own = events.trigger(self._descriptor(found))
            for other in candidates[:place]:
                before = events.trigger(self._descriptor(other))
                if events.priority(before) > events.priority(own) and _overlap(other, found):
                    message = "YAML asks an exact name before `*`, wherever it stands"
                    hint = "give the more general transition a guard, or put it last"
                    self.refuse("PW974", message, self.structure.arcs[found.index].span, hint)
        return candidates

    def _descriptor(self, found: Transition) -> str:
        """The name in YAML: with `.*` in a document that has names of several tokens."""
        match found.trigger:
            case AnyEvent() | None:
                return "*"
            case trigger:
                name = trigger.name
        done = {f"done.state.{state.key}": state.done for state in self.states[1:]}
        if name in done:
            return events.done_state(self._path_of_done(name))
        span = self.structure.arcs[found.index].span
        if name.split(".")[0] in ("error", "done"):
            self.refuse("PW973", f"YAML has no events `{name}` as SCXML has", span)
        is_exact = name.startswith("after.") or not self.is_dotted
        return name if is_exact else f"{name}.*"

    def _path_of_done(self, name: str) -> str:
        return next(s.path for s in self.states[1:] if f"done.state.{s.key}" == name)

    def _transition(self, found: Transition, event: str | None = None) -> syntax.Transition:
        arc = self.structure.arcs[found.index]
        self._asks_no_other(found, arc)
        heard = None if event is None else self._heard(event)
        guard = arc.guard
        assert guard is None or isinstance(guard, Text)
        return replace(
            arc,
            targets=self._targets(found.source, found.targets, arc.span) or None,
            guard=None if guard is None else self.content.sql(guard, heard),
            actions=tuple(self.content.all(arc.actions, heard)),
            reenter=self._reenters(found, arc),
            internal=False,
        )

    def _heard(self, event: str) -> str:
        """What `_event.data` is in a transition."""
        return "done" if event.startswith("done.state") else event

    def _reenters(self, found: Transition, arc: syntax.Transition) -> bool:
        """With which `reenter` the native reading exits the same states."""
        for reenter in (False, True):
            if tree.domain(self.states, found.source, found.targets, reenter) == found.domain:
                return reenter
        message = "YAML does not leave a parallel state for one of its own regions"
        self.refuse("PW974", message, arc.span, "lead to the parallel state itself")
        return False

    def _asks_no_other(self, found: Transition, arc: syntax.Transition) -> None:
        """Refuse what SCXML asks for each region, and the native reading only if no region acts."""
        if found.trigger is None:
            return
        for state in self.states[found.source : self.states[found.source].last + 1]:
            if state.kind is not Kind.PARALLEL:
                continue
            inside = self.states[state.index + 1 : state.last + 1]
            if any(_overlap(found, other) for s in inside for other in s.transitions):
                message = f"YAML asks this only if no region of `{state.path}` takes the event"
                self.refuse("PW974", message, arc.span, "give the events two names")
            regions = [self.states[c].kind for c in state.children]
            done = events.matches(found.trigger, state.done)
            if done and Kind.PARALLEL in regions:
                message = f"in YAML `{state.path}` is done when its region is"
                self.refuse("PW974", message, arc.span)


def _is_dotted(structure: Structure) -> bool:
    """Whether a document waits for events whose names have several tokens, or says `.*`."""
    named = (h.descriptor.value for state in structure.written for h in state.on)
    return any("." in name and not name.startswith(_OWN) for name in named)


def _overlap(one: Transition, other: Transition) -> bool:
    """Whether one event can find both."""
    match one.trigger, other.trigger:
        case (Prefix(name=a), Prefix(name=b)):
            return f"{a}.".startswith(f"{b}.") or f"{b}.".startswith(f"{a}.")
        case (None, _) | (_, None):
            return False
        case _:
            return True
