"""Text that may become part of a statement.

`Sql` is a `str` that only this module and the printer make: identifiers and literals are quoted
here, expressions come from `expr` with every name resolved, and `sql` puts pieces into a pattern of
our own. A plain `str` is refused wherever `Sql` is wanted, so nothing of a definition gets in
unparsed.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import LiteralString

from pawlc.expr import names
from pawlc.model.machine import Expression, Ref


class Sql(str):
    """SQL text that is safe to put into a statement."""

    __slots__ = ()


def sql(pattern: LiteralString, *parts: Sql | int) -> Sql:
    """Fill the `{}` of a pattern of our own.

    >>> sql("{} := {} + {}", ident("total"), ident("end"), 1)
    'total := "end" + 1'
    >>> sql("select {}", "1; drop table x")
    Traceback (most recent call last):
    TypeError: only Sql and int go into a statement, not str
    """
    for part in parts:
        if not isinstance(part, Sql | int):
            raise TypeError(f"only Sql and int go into a statement, not {type(part).__name__}")
    return Sql(pattern.format(*parts))


def join(separator: LiteralString, parts: Iterable[Sql]) -> Sql:
    """
    >>> join(", ", [ident("a"), ident("b")])
    'a, b'
    """
    return Sql(separator.join(sql("{}", part) for part in parts))


def ident(*path: str) -> Sql:
    """A name, or a qualified one, quoted where needed.

    >>> ident("pawl_order", "instance"), ident("pawl_Order", "end")
    ('pawl_order.instance', '"pawl_Order"."end"')
    """
    return Sql(".".join(names.ident(name) for name in path))


def literal(value: str | None) -> Sql:
    """
    >>> literal("it's"), literal(None)
    ("'it''s'", 'null')
    """
    return Sql("null") if value is None else Sql(names.literal(value))


def boolean(value: bool) -> Sql:
    """
    >>> boolean(True)
    'true'
    """
    return Sql("true" if value else "false")


def text_array(values: Iterable[str]) -> Sql:
    """A constant `text[]`.

    >>> text_array(["a", "b"]), text_array([])
    ("array['a', 'b']", "'{}'::text[]")
    """
    items = [literal(value) for value in values]
    return sql("array[{}]", join(", ", items)) if items else Sql("'{}'::text[]")


def jsonb(value: object) -> Sql:
    """A constant `jsonb`; the cast spares PL/pgSQL the conversion at every run.

    >>> jsonb({"a": [1, None]})
    '\\'{"a": [1, null]}\\'::jsonb'
    """
    return sql("{}::jsonb", literal(json.dumps(value, ensure_ascii=False)))


def jsonb_rows(rows: Mapping[str, object]) -> Sql:
    """A constant `jsonb` object, one key a line."""
    if not rows:
        return jsonb({})
    lines = (
        f"  {json.dumps(key, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
        for key, value in rows.items()
    )
    return sql("{}::jsonb", literal("{\n" + ",\n".join(lines) + "\n}"))


def typename(text: str) -> Sql:
    """A type as `expr.columns` parsed and checked it."""
    return Sql(text)


def rendered_by(expression: Expression, name: Callable[[Ref], str]) -> Sql:
    """A resolved expression, each scope name written by `name`."""
    return Sql(names.render(expression, name))


def as_column(expression: Expression) -> Sql:
    """A check or default of a field, as it reads inside the table's own definition."""
    return rendered_by(
        expression, lambda ref: "pawl.now()" if ref.space == "now" else names.ident(ref.name)
    )


def python_body(text: str) -> Sql:
    """The body of a PL/Python function as `expr.python` checked it."""
    return Sql(text)
