"""What a document of SCXML with the same states and transitions would do differently: PW971.

SCXML takes names by their first tokens, asks an ancestor for every leaf, never settles, and begins
sessions when the macrostep is over. Which states a transition exits is asked where it is written.
"""

import re
from collections.abc import Iterator

from pawlc import syntax
from pawlc.diagnostics import Diagnostic
from pawlc.model import events, tree
from pawlc.model.machine import AnyEvent, Exactly, Kind, Prefix, Transition, Trigger
from pawlc.model.structure import Structure
from pawlc.write.scxml.names import OWN


def differences(machine: syntax.Machine, structure: Structure) -> tuple[Diagnostic, ...]:
    """Each difference at its transition or invoke."""
    return tuple(_Differences(machine, structure).found())


class _Differences:
    """Looks for differences; `known` are the names of events that the definition mentions."""

    def __init__(self, machine: syntax.Machine, structure: Structure) -> None:
        self.structure = structure
        self.states = structure.states
        declared = [event.name.value for event in machine.events]
        triggers = [t.trigger for state in self.states for t in state.transitions]
        asked = [trigger.name for trigger in triggers if isinstance(trigger, Exactly)]
        self.known = tuple(dict.fromkeys((*declared, *asked)))

    def found(self) -> Iterator[Diagnostic]:
        """All of them."""
        for state in self.states:
            for invoke in self.structure.written[state.index].invoke:
                yield from _begins(invoke)
            for found in state.transitions:
                assert found.trigger is not None
                arc = self.structure.arcs[found.index]
                yield from self._takes_no_other(found.trigger, arc)
                yield from self._asks_no_other(state.index, found.trigger, arc)
                yield from self._is_done(found.trigger, arc)
            for found in state.always:
                yield from self._settles(found, self.structure.arcs[found.index])

    def _takes_no_other(self, trigger: Trigger, arc: syntax.Transition) -> Iterator[Diagnostic]:
        """A name that is the beginning of another's."""
        if not isinstance(trigger, Exactly) or trigger.name.startswith(("done.", *OWN)):
            return
        other = next((n for n in self.known if n.startswith(f"{trigger.name}.")), None)
        if other is not None:
            message = f"`{trigger.name}` takes `{other}` too in SCXML"
            hint = "SCXML compares names token by token; give one of the events another name"
            yield Diagnostic("PW971", message, arc.span, "takes more there", hint)

    def _asks_no_other(
        self, index: int, trigger: Trigger, arc: syntax.Transition
    ) -> Iterator[Diagnostic]:
        """A transition of an ancestor of regions that one of them may take instead."""
        for parallel in self.states[index : self.states[index].last + 1]:
            if parallel.kind is not Kind.PARALLEL:
                continue
            inside = self.states[parallel.index + 1 : parallel.last + 1]
            others = (t for state in inside for t in state.transitions)
            other = next(
                (t for t in others if t.trigger and self._overlap(trigger, t.trigger)), None
            )
            if other is not None:
                yield _asked_twice(parallel.path, arc, self.structure.arcs[other.index])
                return

    def _is_done(self, trigger: Trigger, arc: syntax.Transition) -> Iterator[Diagnostic]:
        """Waiting for a parallel state that is done because one of its regions is."""
        for state in self.states:
            inner = [c for c in state.children if self.states[c].kind is Kind.PARALLEL]
            is_outer = state.kind is Kind.PARALLEL and bool(inner)
            if is_outer and events.matches(trigger, state.done):
                message = f"SCXML does not tell that `{state.path}` is done when its region is"
                hint = "put a state around the region that is parallel itself, with a final one"
                yield Diagnostic("PW971", message, arc.span, "may not come there", hint)

    def _settles(self, found: Transition, arc: syntax.Transition) -> Iterator[Diagnostic]:
        """An eventless transition that may change nothing: SCXML never stops taking it."""
        stays = set(found.targets) <= set(tree.together(self.states, found.source))
        if stays and not any(isinstance(action, syntax.Assign) for action in arc.actions):
            message = "SCXML takes an eventless transition that changes nothing again and again"
            hint = "let it assign what its guard asks for, or lead to another state"
            yield Diagnostic("PW971", message, arc.span, "taken once here", hint)

    def _overlap(self, one: Trigger, other: Trigger) -> bool:
        """Whether an event can find both."""
        names = (*self.known, *(t.name for t in (one, other) if isinstance(t, Exactly | Prefix)))
        either = isinstance(one, AnyEvent) or isinstance(other, AnyEvent)
        return either or any(events.matches(one, n) and events.matches(other, n) for n in names)


def _begins(invoke: syntax.Invoke) -> Iterator[Diagnostic]:
    """An input that may be another one when the macrostep is over."""
    for pair in invoke.input if invoke.machine is not None else ():
        if re.search(r"\b(context|event)\b", pair.value.value):
            message = "SCXML computes what a session is given when the macrostep is over"
            hint = "the session can ask for it, or be sent it when the state is entered"
            yield Diagnostic("PW971", message, pair.value.span, "computed on entry here", hint)


def _asked_twice(path: str, arc: syntax.Transition, inner: syntax.Transition) -> Diagnostic:
    return Diagnostic(
        "PW971",
        f"SCXML asks this for the regions of `{path}` that do not take the event themselves",
        arc.span,
        "taken beside the one inside",
        "give it a guard in another state, or the events two names",
        related=((inner.span, "a region takes it here"),),
    )
