"""PW208, PW114: a history state has a default and nothing else; others have no `history`."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.check.walk import states, transitions
from pawlc.diagnostics import Diagnostic
from pawlc.source import Span


def history_states(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about states in which `history` and the rest do not fit (W3C SCXML 3.10)."""
    for state in states(machine):
        if state.type is not None and state.type.value == "history":
            for span in _more(state):
                yield Diagnostic(
                    "PW208",
                    f"history state `{state.key}` can have `history` and `target` only",
                    span,
                    "never used",
                    related=((state.type.span, "history here"),),
                )
        else:
            yield from _stray(state)


def _more(state: syntax.State) -> Iterator[Span]:
    if state.states:
        yield state.states[0].span
    if state.initial is not None:
        yield state.initial.span
    first = next(transitions(state), None)
    if first is not None:
        yield first.span
    if state.invoke:
        yield state.invoke[0].span


def _stray(state: syntax.State) -> Iterator[Diagnostic]:
    key = "history" if state.history is not None else "target"
    found = state.history if state.history is not None else next(iter(state.target or ()), None)
    if found is not None:
        hint = "add `type: history`, or leave it out"
        if key == "target":
            hint = "write `always: state` to go on at once, or `on: { event: state }`"
        message = f"`{key}` means nothing in state `{state.key}`"
        yield Diagnostic("PW114", message, found.span, "only in history states", hint=hint)
