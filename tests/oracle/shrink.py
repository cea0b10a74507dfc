"""Make a chart and a walk smaller while a property of them holds: greedy, any part at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from tests.oracle.charts import Assign, Chart, Code, Compare, Node, Step, is_history

_ONE = Code("1", "1")


@dataclass(frozen=True, slots=True)
class Run:
    """A chart and a walk through it."""

    chart: Chart
    walk: tuple[Step, ...]


def shrink(run: Run, holds: Callable[[Run], bool]) -> Run:
    """The smallest run found for which `holds` is true, as it must be of the given one."""
    while smaller := next((each for each in smaller_ones(run) if holds(each)), None):
        run = smaller
    return run


def smaller_ones(value: Any) -> Iterator[Any]:
    """Values a little smaller than this one, the boldest first.

    >>> list(smaller_ones((Code("2", "2"), Code("1", "1"))))[:2]
    [(Code(sql='1', js='1'),), (Code(sql='2', js='2'),)]
    """
    match value:
        case Code() if value != _ONE:
            yield _ONE
        case Code() | Compare():
            return
        case Assign():
            yield from (smaller for smaller in _simpler(value) if smaller.fields)
        case (str() | int() as name, Code() | tuple() as inner):
            yield from ((name, smaller) for smaller in smaller_ones(inner))
        case (str() | int(), *_):
            return  # a path, or the fields' values
        case tuple():
            yield from _shorter(value)
        case Node() if value.children:
            if value.path:
                yield Node(value.path, "atomic", entry=value.entry, exit=value.exit, on=value.on)
            yield from (smaller for smaller in _simpler(value) if _has_states(smaller))
        case True:
            yield False
        case _ if is_dataclass(value):
            yield from _simpler(value)


def _has_states(node: Node) -> bool:
    return any(not is_history(child) for child in node.children)


def _shorter(values: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    for place in range(len(values)):
        yield values[:place] + values[place + 1 :]
    for place, value in enumerate(values):
        for smaller in smaller_ones(value):
            yield (*values[:place], smaller, *values[place + 1 :])


def _simpler(value: Any) -> Iterator[Any]:
    for field in fields(value):
        if field.name == "path":
            continue
        inner = getattr(value, field.name)
        if field.default is None and inner is not None:
            yield replace(value, **{field.name: None})
        for smaller in smaller_ones(inner):
            yield replace(value, **{field.name: smaller})
