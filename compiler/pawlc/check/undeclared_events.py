"""PW405, PW406: in a strict chart every event is declared, so that a misspelt one is found."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.check.descriptors import matches, reserved
from pawlc.check.walk import descriptors, raised
from pawlc.diagnostics import Diagnostic
from pawlc.source import Text
from pawlc.suggest import did_you_mean


def undeclared_events(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about events in `on` and `raise` that `events` does not declare."""
    if not machine.strict:
        return
    declared = tuple(event.name.value for event in machine.events)
    for name in descriptors(machine):
        if reserved(name.value) is None and not any(matches(name.value, e) for e in declared):
            yield _undeclared("PW405", f"event `{name}` is not declared", name, declared)
    for name in raised(machine):
        if reserved(name.value) is None and name.value not in declared:
            yield _undeclared("PW406", f"raised event `{name}` is not declared", name, declared)


def _undeclared(code: str, message: str, name: Text, declared: tuple[str, ...]) -> Diagnostic:
    if name.value == "*":
        hint = "declare the events under `events:`, or write `strict: false`"
    else:
        hint = did_you_mean(name.value, declared) or (
            f"declare it: `events: {{ {name.value.removesuffix('.*')}: {{}} }}`, "
            "or write `strict: false`"
        )
    return Diagnostic(code, message, name.span, "not under `events:`", hint=hint)
