"""Whether two pieces of checked SQL say the same, however they are written.

In: types, expressions or reference clauses of two `model.Column`s. Out: whether Postgres's parser
makes the same tree of both, places aside: `int` is `integer`, blanks and comments do not count.
"""

from pglast import parse_sql

from pawlc.expr import names
from pawlc.model.machine import Column, Expression, Ref


def same_type(old: Column, new: Column) -> bool:
    """Compare two columns' types, with their collations."""
    return _same(*(f"select null::{c.type} collate {c.collate or 'none'}" for c in (old, new)))


def same_expressions(old: tuple[Expression, ...], new: tuple[Expression, ...]) -> bool:
    """Compare expressions pairwise; the names in scope count as names."""
    return len(old) == len(new) and all(
        _same(f"select ({_text(one)})", f"select ({_text(other)})")
        for one, other in zip(old, new, strict=True)
    )


def same_references(old: str | None, new: str | None) -> bool:
    """Compare the rests of two `references` clauses.

    >>> same_references("app.a (id)", "app.a(id)"), same_references("app.a", None)
    (True, False)
    """
    if old is None or new is None:
        return old is new
    return _same(*(f"create table t (c int references {clause})" for clause in (old, new)))


def _text(expression: Expression) -> str:
    return names.render(expression, _name)


def _name(ref: Ref) -> str:
    return names.ident(f"{ref.space}.{ref.name}")


def _same(old: str, new: str) -> bool:
    """
    >>> _same("select null::int", "select  null :: integer"), _same("select 1", "select 2")
    (True, False)
    """
    return bool(parse_sql(old) == parse_sql(new))
