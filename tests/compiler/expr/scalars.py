"""Scalars and scopes for the tests of expressions."""

from pawlc.diagnostics import Diagnostic
from pawlc.expr.scope import EventScope, Scope
from pawlc.source import Position, Span, Text

FILE = "m.machine.yaml"


def scalar(value: str, line: int = 7, column: int = 12, *, quoted: bool = False) -> Text:
    """A block scalar whose first line stands at `line`, `column`, the others below it."""
    lines = value.split("\n")
    starts = tuple(Position(line + index, column) for index in range(len(lines)))
    end = Position(starts[-1].line, column + len(lines[-1]))
    return Text(value, Span(FILE, starts[0], end), starts, quoted)


def pointed(text: Text, problem: Diagnostic) -> str:
    """What a diagnostic points at, cut out of its line."""
    start, end = problem.span.start, problem.span.end
    index = next(i for i, at in enumerate(text.starts) if at.line == start.line)
    line = text.value.split("\n")[index]
    return line[start.column - text.starts[index].column : end.column - text.starts[index].column]


EVENT = EventScope(
    causes=("accept", "reject"),
    fields={"reason": "text"},
    partial={"prep_minutes": ("reject",)},
    conflicting={"size": ("integer", "text")},
)
DONE = EventScope(causes=("done.invoke.x",), output={"courier_id": "uuid"}, has_output=True)
ERROR = EventScope(causes=("error.invoke.x",), has_error=True)
SCOPE = Scope(
    context={"total": "numeric(10,2)", "asked": "uuid[]", "customerId": "uuid", "end": "date"},
    event=EVENT,
    states=frozenset({"kitchen.cooking"}),
)
