"""PW205: a final state is an end: it has no states, transitions or invokes of its own."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.check.walk import states
from pawlc.diagnostics import Diagnostic
from pawlc.source import Span


def final_states(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about each key by which a final state would go on (W3C SCXML 3.7)."""
    for state in states(machine):
        if state.type is not None and state.type.value == "final":
            for key, span in _goes_on(state):
                yield Diagnostic(
                    "PW205",
                    f"final state `{state.key}` cannot have `{key}`",
                    span,
                    "never used",
                    hint=f"a final state is an end; leave out `{key}` or `type: final`",
                    related=((state.type.span, "final here"),),
                )


def _goes_on(state: syntax.State) -> Iterator[tuple[str, Span]]:
    if state.states:
        yield "states", state.states[0].span
    if state.initial is not None:
        yield "initial", state.initial.span
    if state.on:
        yield "on", state.on[0].descriptor.span
    if state.after:
        yield "after", state.after[0].delay.span
    if state.always:
        yield "always", state.always[0].span
    if state.on_done:
        yield "onDone", state.on_done[0].span
    if state.invoke:
        yield "invoke", state.invoke[0].span
