"""PW318: `input` and `public` name fields of the context."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.diagnostics import Diagnostic
from pawlc.suggest import did_you_mean


def unknown_fields(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about names in `input` and `public` that `context` does not declare."""
    fields = tuple(column.name.value for column in machine.context)
    for key, names in (("input", machine.input), ("public", machine.public or ())):
        for name in names:
            if name.value not in fields:
                hint = did_you_mean(name.value, fields)
                yield Diagnostic(
                    "PW318",
                    f"`{key}` names `{name}`, which is not a field of the context",
                    name.span,
                    "unknown field",
                    hint or "declare it under `context`",
                )
