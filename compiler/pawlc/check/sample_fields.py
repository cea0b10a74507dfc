"""PW450: an example of an instance with a field that the machine does not have."""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.diagnostics import Diagnostic
from pawlc.suggest import did_you_mean


def sample_fields(machine: syntax.Machine) -> Iterator[Diagnostic]:
    """Complain about each."""
    known = [column.name.value for column in machine.context]
    for sample in machine.samples.contexts:
        for key in sample.keys:
            if key.value not in known:
                yield Diagnostic(
                    "PW450",
                    f"`{key}` is no field of the context",
                    key.span,
                    f"sample `{sample.name}` has it",
                    hint=did_you_mean(key.value, known),
                )
