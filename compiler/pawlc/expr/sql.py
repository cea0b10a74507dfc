"""One SQL expression of a definition: parsed, judged, its names resolved.

In: a scalar and the scope of its place. Out: an `Expression`, whose parts are the user's own words,
byte for byte, with a `Ref` for each scope name; or what is wrong with it, all at once, each at its
line and column. The way: `parse` (one tree, nothing beyond it), `shape` (what may stand in it),
`lookup` (what its names mean), then the text is cut at what must not stay as it was written.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pglast import ast

from pawlc.diagnostics import Diagnostic, in_order
from pawlc.expr.lookup import Name, Word, lookup
from pawlc.expr.parse import EXPRESSION, QUOTED_HINT, Lexed, lex, parse_expression
from pawlc.expr.scope import Scope
from pawlc.expr.shape import ALLOWED, call_name, refusals
from pawlc.expr.walk import Seen, nodes
from pawlc.model.machine import Expression, Origin, Ref
from pawlc.source import Text
from pawlc.suggest import closest

DOT = "ASCII_46"
# Guards that name guards grow as a power of their depth.
MAX_PARTS = 20_000


@dataclass(frozen=True, slots=True)
class Cut:
    """A stretch of the scalar, `start` to `end`, and what stands there instead.

    `literal` tells that it reads nothing and calls nothing.
    """

    start: int
    end: int
    parts: tuple[tuple[str | Ref, Origin], ...]
    literal: bool = True


def resolve(
    text: Text, scope: Scope, type: str | None = None
) -> tuple[Expression | None, tuple[Diagnostic, ...]]:
    """Resolve an expression; `type` is the SQL type that its place wants.

    >>> from pawlc.source import Position, Span
    >>> at = Position(1, 1)
    >>> text = Text("context.total > 10", Span("m.yaml", at, Position(1, 19)), (at,))
    >>> expression, problems = resolve(text, Scope(context={"total": "int"}), "boolean")
    >>> expression.parts
    (Ref(space='context', name='total', offset=0), ' > 10')
    """
    lexed, problems = lex(text)
    if lexed is None:
        return None, problems
    tree, problems = parse_expression(lexed)
    if tree is None:
        return None, problems
    found: list[Diagnostic] = []
    cuts = [*_comments(lexed), *_backslashes(lexed)]
    literal = True
    for seen in nodes(tree, len(EXPRESSION), ALLOWED):
        state = _in_state(seen, lexed, scope)
        meaning = state or _column(seen, lexed, scope)
        if state is None:
            found += refusals(seen, lexed)
        if isinstance(meaning, Diagnostic):
            found.append(meaning)
        elif meaning is not None:
            cuts.append(meaning)
        literal = literal and not isinstance(seen.node, ast.FuncCall | ast.SubLink)
    if not found and sum(len(cut.parts) for cut in cuts) > MAX_PARTS:
        message = "the guards that this names are too large together"
        found.append(Diagnostic("PW304", message, text.span))
    if found:
        return None, in_order(tuple(dict.fromkeys(found)))
    parts = tuple(_assemble(lexed, cuts))
    expression = Expression(
        source=text,
        parts=tuple(part for part, _ in parts),
        type=type,
        literal=literal and all(cut.literal for cut in cuts),
        origins=tuple(origin for _, origin in parts),
    )
    return expression, ()


def _column(seen: Seen, lexed: Lexed, scope: Scope) -> Cut | Diagnostic | None:
    """What a column reference is replaced by; None if it stays or `seen` is none."""
    if not isinstance(seen.node, ast.ColumnRef):
        return None
    words, end = _words(seen.node, seen.offset, lexed)
    span = lexed.text.at(seen.offset, end - seen.offset)
    meaning = lookup(Name(words, span, seen.offset), scope, seen.query)
    here = Origin(lexed.text, seen.offset)
    match meaning:
        case Ref():
            return Cut(seen.offset, end, ((meaning, here),), literal=False)
        case str():
            return Cut(seen.offset, end, ((meaning, here),), literal=False)
        case Expression(parts=parts):
            origins = meaning.origins or (Origin(meaning.source, 0),) * len(parts)
            inner = tuple(zip(parts, origins, strict=True))
            return Cut(seen.offset, end, (("(", here), *inner, (")", here)), meaning.literal)
        case Diagnostic(code="PW308") if lexed.text.quoted and len(lexed.tokens) == 1:
            return Diagnostic("PW308", meaning.message, meaning.span, hint=QUOTED_HINT)
        case _:
            return meaning


def _words(node: ast.ColumnRef, offset: int, lexed: Lexed) -> tuple[tuple[Word, ...], int]:
    """The words of a reference, as folded and as written, and the offset behind them."""
    first, fields = lexed.token(offset), node.fields or ()
    tokens = [t for t in lexed.tokens[first : first + 2 * len(fields) - 1] if t.name != DOT]
    folded = ("*" if isinstance(field, ast.A_Star) else str(field.sval) for field in fields)
    words = tuple(Word(n, lexed.raw(t)) for n, t in zip(folded, tokens, strict=True))
    return words, tokens[-1].end + 1


def _in_state(seen: Seen, lexed: Lexed, scope: Scope) -> Cut | Diagnostic | None:
    """What `in_state('path')` is replaced by; None if `seen` is no such call."""
    node = seen.node
    if not isinstance(node, ast.FuncCall) or call_name(node) != (None, "in_state"):
        return None
    end = _call_end(seen.offset, lexed)
    span = lexed.text.at(seen.offset, end - seen.offset)
    match node.args:
        case (ast.A_Const(val=ast.String(sval=str(path))),):
            pass
        case _:
            hint = "write the path of a state as it stands: `in_state('kitchen.cooking')`"
            message = "`in_state` wants one path, not an expression"
            return Diagnostic("PW314", message, span, hint=hint)
    if path not in scope.states:
        meant = closest(path, sorted(scope.states))
        hint = f"did you mean `{meant}`?" if meant else "paths begin below the root"
        return Diagnostic("PW314", f"unknown state `{path}`", span, hint=hint)
    ref = Ref("in_state", path, seen.offset)
    return Cut(seen.offset, end, ((ref, Origin(lexed.text, seen.offset)),), literal=False)


def _call_end(offset: int, lexed: Lexed) -> int:
    """The offset behind the parenthesis that closes the call at `offset`."""
    depth = 0
    for token in lexed.tokens[lexed.token(offset) + 1 :]:
        depth += {"ASCII_40": 1, "ASCII_41": -1}.get(token.name, 0)
        if depth == 0:
            return int(token.end) + 1
    raise AssertionError("brackets balance: lex has seen to it")


def _comments(lexed: Lexed) -> Iterator[Cut]:
    """Comments go: one would swallow the generated code behind it on its line."""
    for comment in lexed.comments:
        start = len(lexed.text.value[: comment.start].rstrip(" \t"))
        at = Origin(lexed.text, comment.start)
        blank = () if comment.name == "SQL_COMMENT" else ((" ", at),)
        yield Cut(start, comment.end + 1, blank)


def _backslashes(lexed: Lexed) -> Iterator[Cut]:
    r"""A plain text with a backslash becomes `E'…'`, which no setting can read otherwise.

    A function's body is read with the caller's `standard_conforming_strings`; were it off, `'\'`
    would not end there.
    """
    for token in lexed.tokens:
        raw = lexed.raw(token)
        if token.name == "SCONST" and raw.startswith("'") and "\\" in raw:
            before = lexed.text.value[token.start - 1 : token.start]
            space = " " if before.isalnum() or before in ("_", "$") else ""
            escaped = f"{space}E{raw.replace(chr(92), chr(92) * 2)}"
            at = Origin(lexed.text, token.start)
            yield Cut(token.start, token.end + 1, ((escaped, at),))


def _assemble(lexed: Lexed, cuts: list[Cut]) -> Iterator[tuple[str | Ref, Origin]]:
    """The parts: what stands between the cuts, and what the cuts put in; no blanks around."""
    masked = lexed.masked
    position = len(masked) - len(masked.lstrip())
    end = len(masked.rstrip())
    for cut in sorted(cuts, key=lambda cut: cut.start):
        if cut.end <= position or cut.start >= end:
            continue
        if cut.start > position:
            yield lexed.text.value[position : cut.start], Origin(lexed.text, position)
        yield from cut.parts
        position = cut.end
    if position < end:
        yield lexed.text.value[position:end], Origin(lexed.text, position)
