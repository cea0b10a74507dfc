"""Scope names as SQL: how a `Ref` reads inside PL/pgSQL, and how an expression becomes text.

In: expressions of the model. Out: SQL text, and for an offset of that text the place in the file
that it came from.
"""

import re
from collections.abc import Callable

from pglast import keywords

from pawlc.expr.literals import TEXT
from pawlc.model.machine import Expression, Ref
from pawlc.source import Span

# PL/pgSQL's own reserved words (pl_reserved_kwlist.h): they end an expression wherever they stand.
PLPGSQL_RESERVED = frozenset(
    {
        *("all", "begin", "by", "case", "declare", "else", "end", "execute", "for", "foreach"),
        *("from", "if", "in", "into", "loop", "not", "null", "or", "strict", "then", "to"),
        *("using", "when", "while"),
    }
)
SQL_RESERVED = (
    keywords.RESERVED_KEYWORDS | keywords.COL_NAME_KEYWORDS | keywords.TYPE_FUNC_NAME_KEYWORDS
)

Namer = Callable[[Ref], str]

WORD = re.compile(
    rf"""{TEXT}|"(?:[^"]|"")*"|(\$\w*\$).*?\1|[\w.]+|[-+*/<>=~!@#%^&|`?]+""",
    re.DOTALL,
)


def ident(name: str) -> str:
    """Quote a name when SQL or PL/pgSQL would read it as anything but that name.

    >>> ident("total"), ident("end"), ident("Total"), ident('a"b')
    ('total', '"end"', '"Total"', '"a""b"')
    """
    plain = name.isascii() and name.isidentifier() and name == name.lower()
    if plain and name not in SQL_RESERVED and name not in PLPGSQL_RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A text constant, the same under any setting of `standard_conforming_strings`.

    >>> literal("it's"), literal("a\\\\b")
    ("'it''s'", "E'a\\\\\\\\b'")
    """
    quoted = value.replace("'", "''")
    if "\\" in quoted:
        return "E'" + quoted.replace("\\", "\\\\") + "'"
    return f"'{quoted}'"


def plpgsql_name(ref: Ref) -> str:
    """The name of a `Ref` inside a generated PL/pgSQL function.

    There `context` and `event` are records and `self` one with `id machine version seq now claims
    state`. Each form stays what it is beside any operator.

    >>> plpgsql_name(Ref("context", "end")), plpgsql_name(Ref("event", "output.courier_id"))
    ('context."end"', 'event.output_courier_id')
    >>> plpgsql_name(Ref("event", "error.attempts")), plpgsql_name(Ref("in_state", "kitchen.busy"))
    ("(event.error ->> 'attempts')::integer", "pawl.in_state(self.state, 'kitchen.busy')")
    """
    match ref.space:
        case "context":
            return f"context.{ident(ref.name)}"
        case "event":
            return _event_name(ref.name)
        case "claims" | "now":
            return f"self.{ref.space}"
        case "self":
            return f"self.{ident(ref.name)}"
        case "sender":
            return f"self.sender_{ref.name}"
        case "in_state":
            return f"pawl.in_state(self.state, {literal(ref.name)})"
        case "old":
            return f"old.{ident(ref.name)}"


def _event_name(name: str) -> str:
    head, _, rest = name.partition(".")
    match head, rest:
        case "output", rest if rest:
            return f"event.{ident('output_' + rest)}"
        case "error", "attempts":
            return "(event.error ->> 'attempts')::integer"
        case "error", "data":
            return "(event.error -> 'data')"
        case "error", rest if rest:
            return f"(event.error ->> {literal(rest)})"
        case _:
            return f"event.{ident(name)}"


def render(expression: Expression, name: Callable[[Ref], str]) -> str:
    """The SQL of an expression, each `Ref` named by `name`."""
    return "".join(_rendered(expression, name))


def place(expression: Expression, name: Callable[[Ref], str], offset: int) -> Span:
    """The place in the file of a character (0-based `offset`) of what `render` returns.

    What has no origin, or lies behind the end, is the whole expression.
    """
    if len(expression.origins) != len(expression.parts):
        return expression.source.span
    begin = 0
    for part, origin, sql in zip(
        expression.parts, expression.origins, _rendered(expression, name), strict=True
    ):
        if begin <= offset < begin + len(sql):
            inside = 0 if isinstance(part, Ref) else offset - begin
            length = word(origin.text.value, origin.offset + inside)
            return origin.text.at(origin.offset + inside, length)
        begin += len(sql)
    return expression.source.span


def _rendered(expression: Expression, name: Callable[[Ref], str]) -> list[str]:
    return [name(part) if isinstance(part, Ref) else part for part in expression.parts]


def word(sql: str, begin: int) -> int:
    """The length of the name, constant or operator that begins at `begin`, 1 if none does.

    >>> word("a.b > 'it''s'", 0), word("a.b > 'it''s'", 4), word("a.b > 'it''s'", 6)
    (3, 1, 7)
    """
    found = WORD.match(sql, begin)
    return max(1, len(found[0])) if found else 1
