"""A chart as an XState config, in the JSON that `xstate.mjs` understands."""

from collections.abc import Iterator
from itertools import count
from typing import Any, assert_never

from tests.oracle import native
from tests.oracle.charts import (
    FIELDS,
    Action,
    Advance,
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
    Path,
    Raise,
    RaiseLater,
    Send,
    Step,
)

Json = dict[str, Any]


def config(chart: Chart) -> Json:
    """The config of the machine."""
    head: Json = {"id": "chart", "context": dict(zip(FIELDS, chart.values, strict=True))}
    if chart.output is not None:
        head["output"] = {"v": chart.output.js}
    return head | state(chart.root, count(1))


def steps(walk: tuple[Step, ...]) -> list[Json]:
    """The steps of a walk."""
    return [step(each) for each in walk]


def step(one: Step) -> Json:
    """One step."""
    match one:
        case Send():
            return {"send": {"type": one.event, "x": one.number}}
        case Advance():
            return {"advance": one.milliseconds}
        case _:
            assert_never(one)


def state(node: Node, numbers: Iterator[int]) -> Json:
    """A state node; transitions take the next numbers."""
    if node.kind in ("shallow", "deep"):
        found: Json = {"type": "history", "history": node.kind}
        return found | ({"target": [_id(path) for path in node.default]} if node.default else {})
    path = ".".join(node.path)
    found = {"type": node.kind}
    if node.kind == "compound":
        first = next(c.path[-1] for c in node.children if c.kind not in ("shallow", "deep"))
        found["initial"] = {"target": first, "actions": actions(node.initial)}
    found["entry"] = [{"log": f"'+{path}'"}, *actions(node.entry)]
    found["exit"] = [{"log": f"'-{path}'"}, *actions(node.exit)]
    found["on"] = {name: arcs(node, each, numbers) for name, each in node.on}
    found["always"] = arcs(node, node.always, numbers)
    found["after"] = {delay: arcs(node, each, numbers) for delay, each in node.after}
    found["onDone"] = arcs(node, node.done, numbers)
    if node.output is not None:
        found["output"] = {"v": node.output.js}
    found["states"] = {child.path[-1]: state(child, numbers) for child in node.children}
    return {key: value for key, value in found.items() if value}


def arcs(node: Node, several: Arcs, numbers: Iterator[int]) -> list[Json]:
    """The candidates of one event."""
    return [arc(node, each, next(numbers)) for each in several]


def arc(node: Node, one: Arc, number: int) -> Json:
    """A transition."""
    found: Json = {}
    if len(one.targets) == 1:
        found["target"] = native.target(node, one)
    elif one.targets:
        found["target"] = [_id(path) for path in one.targets]
    if one.reenter:
        found["reenter"] = True
    if one.guard is not None:
        found["guard"] = guard(one.guard)
    if one.actions:
        found["actions"] = [{"log": f"'{number}'"}, *actions(one.actions)]
    return found


def _id(path: Path) -> str:
    return "#" + ".".join(("chart", *path))


def guard(one: Guard) -> Json:
    """A guard."""
    match one:
        case Compare():
            return {"test": one.code.js}
        case In():
            return {"in": _id(one.path)}
        case Joined("not", (inner,)):
            return {"not": guard(inner)}
        case Joined():
            return {one.operator: [guard(each) for each in one.guards]}
        case _:
            assert_never(one)


def actions(several: tuple[Action, ...]) -> list[Json]:
    """Actions in order."""
    return [action(each) for each in several]


def action(one: Action) -> Json:
    """An action."""
    match one:
        case Assign():
            return {"assign": {name: code.js for name, code in one.fields}}
        case Log():
            return {"log": one.line.js}
        case Raise():
            return {"raise": one.event, "x": one.number.js}
        case RaiseLater():
            found: Json = {"raise": one.event, "x": one.number.js, "delay": one.delay}
            return found | ({"id": one.id} if one.id else {})
        case Cancel():
            return {"cancel": one.id}
        case _:
            assert_never(one)
