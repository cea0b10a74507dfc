"""What a `case` can yield, where each of its results is a text constant.

In: a scalar. Out: those constants as they were written, each at its place, in document order; or
None if the scalar is no such `case`, or yields null where no `when` holds.
"""

from collections.abc import Iterator

from pglast import ast

from pawlc.expr.names import literal
from pawlc.expr.parse import Lexed, lex, parse_expression
from pawlc.source import Text


def results(text: Text) -> tuple[Text, ...] | None:
    """The constants that a `case` with an `else` yields; another `case` may be a result.

    >>> from pawlc.source import Position, Span
    >>> at = Position(1, 1)
    >>> text = Text("case when a then 'x' else 'y' end", Span("m.yaml", at, at), (at,))
    >>> [found.value for found in results(text) or ()]
    ['x', 'y']
    """
    lexed, _ = lex(text)
    tree = None if lexed is None else parse_expression(lexed)[0]
    if lexed is None or not isinstance(tree, ast.CaseExpr):
        return None
    found = tuple(_results(tree))
    known = tuple(one for one in found if one is not None)
    return tuple(_placed(lexed, one) for one in known) if len(known) == len(found) else None


def _results(tree: ast.CaseExpr) -> Iterator[str | None]:
    for result in (*(when.result for when in tree.args or ()), tree.defresult):
        if isinstance(result, ast.CaseExpr):
            yield from _results(result)
        elif isinstance(result, ast.A_Const) and isinstance(result.val, ast.String):
            yield str(result.val.sval)
        else:
            yield None


def _placed(lexed: Lexed, value: str) -> Text:
    """A constant where it first stands; the parser does not say where that is."""
    text = lexed.text
    written = (t.start for t in lexed.tokens if lexed.raw(t) == literal(value))
    start = next(written, None)
    span = text.span if start is None else text.at(start + 1, len(value))
    return Text(value, span, (span.start,))
