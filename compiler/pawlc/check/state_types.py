"""PW207, PW212: a state whose `type` or `initial` contradicts its other keys."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.check.walk import states
from pawlc.diagnostics import Diagnostic
from pawlc.source import Text


def state_types(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about `atomic` with states, `compound` without, and an `initial` without use."""
    for state in states(machine):
        kind = state.type.value if state.type is not None else None
        if state.type is not None and kind == "atomic" and state.states:
            yield _contradiction(state.type, state, "atomic", "has states")
        if state.type is not None and kind in ("compound", "parallel") and not state.states:
            yield _contradiction(state.type, state, kind, "has no states")
        if state.initial is not None and kind not in ("final", "history"):
            yield from _initial(state, kind == "parallel")


def _contradiction(where: Text, state: syntax.State, kind: str, but: str) -> Diagnostic:
    hint = "leave `type` out: the keys say what the state is"
    message = f"state `{state.key}` is `{kind}` but {but}"
    return Diagnostic("PW212", message, where.span, f"{but}", hint=hint)


def _initial(state: syntax.State, parallel: bool) -> Iterator[Diagnostic]:
    if state.initial is None or (state.states and not parallel):
        return
    why = "enters all of its states at once" if parallel else "has no states"
    yield Diagnostic(
        "PW207",
        f"`initial` means nothing here: `{state.key}` {why}",
        state.initial.span,
        "not needed",
        hint="leave `initial` out",
    )
