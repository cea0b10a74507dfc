"""A chart as a native definition (YAML)."""

from collections.abc import Iterator
from itertools import count
from typing import Any, assert_never

from tests.oracle.charts import (
    EVENTS,
    FIELDS,
    RAISED,
    Action,
    Arc,
    Arcs,
    Assign,
    Cancel,
    Chart,
    Compare,
    Guard,
    In,
    Joined,
    Log,
    Node,
    Raise,
    RaiseLater,
)
from tests.semantics.charts import block


def definition(chart: Chart) -> str:
    """The text of `chart.machine.yaml`."""
    numbers = count(1)
    head: dict[str, Any] = {
        "machine": "chart",
        "version": "1",
        "strict": "false",
        "context": {
            name: f"int not null default {value}"
            for name, value in zip(FIELDS, chart.values, strict=True)
        },
        "events": {name: {"x": "int not null default 1"} for name in (*EVENTS, *RAISED)},
    }
    if chart.output is not None:
        head["output"] = {"v": chart.output.sql}
    return "\n".join(block({**head, **state(chart.root, numbers)})) + "\n"


def state(node: Node, numbers: Iterator[int]) -> dict[str, Any]:
    """The keys of a state; transitions take the next numbers."""
    if node.kind in ("shallow", "deep"):
        found: dict[str, Any] = {"type": "history", "history": node.kind}
        return found | ({"target": _list(node.default)} if node.default else {})
    path = ".".join(node.path)
    found = {} if node.kind in ("atomic", "compound") else {"type": node.kind}
    if node.kind == "compound":
        first = next(c.path[-1] for c in node.children if c.kind not in ("shallow", "deep"))
        found["initial"] = {"target": first, "actions": actions(node.initial)}
        if not node.initial:
            found["initial"] = first
    found["entry"] = [{"log": f"$$+{path}$$"}, *actions(node.entry)]
    found["exit"] = [{"log": f"$$-{path}$$"}, *actions(node.exit)]
    found["on"] = {name: arcs(node, each, numbers) or "[]" for name, each in node.on}
    found["always"] = arcs(node, node.always, numbers)
    found["after"] = {str(delay): arcs(node, each, numbers) for delay, each in node.after}
    found["onDone"] = arcs(node, node.done, numbers)
    if node.output is not None:
        found["output"] = {"v": node.output.sql}
    found["states"] = {child.path[-1]: state(child, numbers) for child in node.children}
    return {key: value for key, value in found.items() if value}


def arcs(node: Node, several: Arcs, numbers: Iterator[int]) -> list[dict[str, Any]]:
    """The candidates of one event."""
    return [arc(node, each, next(numbers)) for each in several]


def arc(node: Node, one: Arc, number: int) -> dict[str, Any]:
    """A transition."""
    found: dict[str, Any] = {}
    if one.targets:
        found["target"] = target(node, one)
    if one.reenter:
        found["reenter"] = "true"
    if one.guard is not None:
        found["guard"] = guard(one.guard)
    if one.actions:
        found["actions"] = [{"log": f"$${number}$$"}, *actions(one.actions)]
    return found


def target(node: Node, one: Arc) -> str:
    """How the target of a transition is written."""
    if len(one.targets) > 1:
        return _list(one.targets)
    (path,) = one.targets
    match one.spelling:
        case "sibling":
            return ".".join(path[len(node.path) - 1 :])
        case ".":
            return "." + ".".join(path[len(node.path) :])
        case _:
            return "#" + ".".join(("chart", *path))


def _list(paths: tuple[tuple[str, ...], ...]) -> str:
    return "[" + ", ".join('"#' + ".".join(("chart", *path)) + '"' for path in paths) + "]"


def guard(one: Guard) -> str:
    """A condition in SQL."""
    match one:
        case Compare():
            return one.code.sql
        case In():
            return f"in_state('{'.'.join(one.path)}')"
        case Joined("not", (inner,)):
            return f"not ({guard(inner)})"
        case Joined():
            return f" {one.operator} ".join(f"({guard(each)})" for each in one.guards)
        case _:
            assert_never(one)


def actions(several: tuple[Action, ...]) -> list[dict[str, Any]]:
    """Actions in order."""
    return [action(each) for each in several]


def action(one: Action) -> dict[str, Any]:
    """An action."""
    match one:
        case Assign():
            return {"assign": {name: code.sql for name, code in one.fields}}
        case Log():
            return {"log": one.line.sql}
        case Raise():
            return {"raise": {"event": one.event, "data": {"x": one.number.sql}}}
        case RaiseLater():
            found = {"event": one.event, "data": {"x": one.number.sql}, "delay": str(one.delay)}
            return {"raise": found | ({"id": one.id} if one.id else {})}
        case Cancel():
            return {"cancel": one.id}
        case _:
            assert_never(one)
