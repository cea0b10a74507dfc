"""PW430: a limit that counts by a field which no input of the effect has."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.check.walk import actions, invokes
from pawlc.diagnostics import Diagnostic
from pawlc.suggest import did_you_mean


def limit_fields(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about a limit by a field that some use of the effect does not give."""
    for effect in machine.effects:
        inputs = tuple(_inputs(machine, effect.name.value))
        for limit in (effect.concurrency, effect.rate):
            if limit is None or limit.field is None:
                continue
            for names in inputs:
                if limit.field.value not in names:
                    yield Diagnostic(
                        "PW430",
                        f"not every use of `{effect.name}` has `{limit.field}` in its input",
                        limit.field.span,
                        "its value would be missing",
                        did_you_mean(limit.field.value, names) or "give it where it is used",
                    )
                    break


def _inputs(machine: syntax.Machine, effect: str) -> Iterator[tuple[str, ...]]:
    """The names in the input of each use of an effect."""
    for invoke in invokes(machine):
        if invoke.src is not None and invoke.src.value == effect:
            yield tuple(pair.name.value for pair in invoke.input)
    for action in actions(machine):
        if isinstance(action, syntax.EmitEffect) and action.effect.value == effect:
            yield tuple(pair.name.value for pair in action.input)
