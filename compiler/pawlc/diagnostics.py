"""What is wrong with a definition: data first, rendered by `render`.

Every stage that can complain returns its diagnostics beside its result, several at a time; only
`compile` decides when to stop. A code is stable: scripts and the pages of `explain/` rely on it.
"""

from dataclasses import dataclass
from enum import StrEnum

from pawlc.source import Span


class Severity(StrEnum):
    """An error stops the compilation, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One complaint.

    `message` is a sentence without a capital or a full stop, names in backquotes; `label` is the
    short text beside the caret; `hint` says what to do; `related` points at other places
    (`(span, text)`), such as the first of two duplicates.
    """

    code: str
    message: str
    span: Span
    label: str = ""
    hint: str | None = None
    severity: Severity = Severity.ERROR
    related: tuple[tuple[Span, str], ...] = ()


class CompileError(Exception):
    """A definition that does not compile; carries every diagnostic, in the file's order."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("; ".join(f"{d.span}: {d.code} {d.message}" for d in diagnostics))
        self.diagnostics = diagnostics


def in_order(diagnostics: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """Sort by place, then code: the order in which a person reads the file."""
    return tuple(sorted(diagnostics, key=lambda d: (d.span.file, d.span.start, d.code, d.message)))
