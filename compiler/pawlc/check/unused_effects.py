"""PW407, PW408: effects that are declared for nothing."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.check.walk import actions, invokes
from pawlc.diagnostics import Diagnostic, Severity


def unused_effects(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Warn about effects never used, and about `returns` that nobody waits for."""
    invoked = {invoke.src.value for invoke in invokes(machine) if invoke.src is not None}
    emitted = {a.effect.value for a in actions(machine) if isinstance(a, syntax.EmitEffect)}
    for effect in machine.effects:
        name = effect.name.value
        if name not in invoked and name not in emitted:
            message = f"nothing uses the effect `{name}`"
            yield Diagnostic(
                "PW407", message, effect.span, "declared, never used", severity=Severity.WARNING
            )
        elif effect.returns and name not in invoked:
            yield Diagnostic(
                "PW408",
                f"nobody waits for what `{name}` returns",
                effect.returns[0].name.span,
                "never read",
                "`returns` types the result of an `invoke`; here the effect is only enqueued",
                Severity.WARNING,
            )
