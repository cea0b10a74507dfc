"""Where the readers of this package put their complaints, so that one run reports them all."""

from pawlc.diagnostics import Diagnostic, Severity
from pawlc.source import Span


class Sink:
    """The diagnostics of one parse, in the order of discovery."""

    def __init__(self) -> None:
        self._found: list[Diagnostic] = []

    def error(
        self,
        code: str,
        message: str,
        span: Span,
        label: str = "",
        hint: str | None = None,
        related: tuple[tuple[Span, str], ...] = (),
    ) -> None:
        """Note an error."""
        found = Diagnostic(code, message, span, label, hint, Severity.ERROR, related)
        self._found.append(found)

    def add(self, diagnostic: Diagnostic) -> None:
        """Note a diagnostic made elsewhere."""
        self._found.append(diagnostic)

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All that was noted."""
        return tuple(self._found)
