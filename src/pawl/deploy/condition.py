"""An SQL condition that somebody gives on the command line, before it becomes part of a query."""

from pawl.deploy.errors import DeployRefused
from pawlc.diagnostics import Diagnostic
from pawlc.expr.parse import lex, parse_expression
from pawlc.source import Position, Span, Text


def condition(text: str, option: str) -> str:
    """One SQL expression without comments, which cannot reach beyond the parentheses around it.

    Raises `DeployRefused` for anything else. It is still the caller's SQL: whoever runs it must
    have no more rights than he.

    >>> condition("total > 50 and state[1] <> 'offered'", "--where")
    "total > 50 and state[1] <> 'offered'"
    """
    start = Position(1, 1)
    scalar = Text(text, Span(option, start, start), (start,))
    lexed, problems = lex(scalar, "condition")
    if lexed is not None:
        found, problems = parse_expression(lexed)
        if found is not None:
            return lexed.masked
    raise _refused(option, problems)


def _refused(option: str, problems: tuple[Diagnostic, ...]) -> DeployRefused:
    return DeployRefused(
        f"{option} is not one SQL expression: {problems[0].message}",
        code="malformed_condition",
        hint="write a condition over the row, such as \"total > 50 and state[1] = 'offered'\"",
    )
