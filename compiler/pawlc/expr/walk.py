"""Walk a parse tree, knowing at each node which queries stand around it.

In: the tree of one expression. Out: its nodes, each with its offset in the scalar and the names
that the FROM clauses and CTEs around it bring. Without recursion, so that no nesting exhausts
Python's stack.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pglast import ast


@dataclass(frozen=True, slots=True)
class Query:
    """The queries around a node: `aliases` of their FROM items, names of their CTEs.

    `inside` is False outside any query; `tables` tells whether one of them reads from anything.
    `only` is the one FROM item that a bare column can belong to, if there is but one. `sorting`
    marks ORDER BY and GROUP BY, where a bare name may be that of a result.
    """

    aliases: frozenset[str] = frozenset()
    ctes: frozenset[str] = frozenset()
    tables: bool = False
    inside: bool = False
    only: str | None = None
    sorting: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """A node, its offset (or that of the nearest node above that has one) and its surroundings."""

    node: ast.Node
    offset: int
    query: Query


def nodes(root: ast.Node, shift: int, into: tuple[type[ast.Node], ...]) -> Iterator[Seen]:
    """Every node of a tree, parents before children, and what lies below those of types `into`.

    `shift` is taken off their locations.
    """
    pending = [Seen(root, 0, Query())]
    while pending:
        above = pending.pop()
        location: object = getattr(above.node, "location", None)
        seen = above
        if isinstance(location, int) and location >= shift:
            seen = replace(above, offset=location - shift)
        yield seen
        if isinstance(seen.node, into):
            pending.extend(_children(seen))


def alias(item: ast.Node) -> str | None:
    """The name by which a FROM item is called, given or implied; None if it has none.

    Postgres calls a table without an alias by its name, a function by its own.
    """
    given = getattr(item, "alias", None)
    if given is not None:
        return str(given.aliasname)
    match item:
        case ast.RangeVar(relname=str(name)):
            return name
        case ast.RangeFunction(functions=((ast.FuncCall(funcname=names), _),)):
            return str((names or ())[-1].sval)
        case _:
            return None


def _children(seen: Seen) -> Iterator[Seen]:
    if isinstance(seen.node, ast.SelectStmt):
        yield from _select(seen.node, seen.offset, seen.query)
        return
    for child in _parts(getattr(seen.node, name) for name in seen.node):
        yield Seen(child, seen.offset, seen.query)


def _select(select: ast.SelectStmt, offset: int, outer: Query) -> Iterator[Seen]:
    """The children of a query: its CTEs see what is outside, everything else its FROM clause."""
    ctes = outer.ctes
    if select.withClause is not None:
        ctes |= {str(cte.ctename) for cte in select.withClause.ctes or ()}
    sources = tuple(_sources(select.fromClause or ()))
    names = (alias(item) for item in sources)
    inner = Query(
        aliases=outer.aliases | {name for name in names if name is not None},
        ctes=ctes,
        tables=outer.tables or bool(sources) or select.larg is not None,
        inside=True,
        only=alias(sources[0]) if len(sources) == 1 and not outer.tables else None,
    )
    places = {
        "withClause": replace(outer, ctes=ctes),
        "sortClause": replace(inner, sorting=True),
        "groupClause": replace(inner, sorting=True),
    }
    for attribute in select:
        for child in _parts([getattr(select, attribute)]):
            yield Seen(child, offset, places.get(attribute, inner))


def _sources(items: tuple[ast.Node, ...]) -> Iterator[ast.Node]:
    """The FROM items, those joined too."""
    pending: list[ast.Node | None] = list(items)
    while pending:
        item = pending.pop()
        if item is not None:
            yield item
        if isinstance(item, ast.JoinExpr):
            pending += [item.larg, item.rarg]
            if item.join_using_alias is not None:
                yield ast.RangeVar(relname=item.join_using_alias.aliasname)


def _parts(values: object) -> Iterator[ast.Node]:
    """The nodes among the values of a node's attributes, lists opened."""
    pending = [values]
    while pending:
        value = pending.pop()
        if isinstance(value, ast.Node):
            yield value
        elif isinstance(value, Iterator | tuple | list):
            pending.extend(value)
