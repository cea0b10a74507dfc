"""Random charts as YAML, and random walks through them.

`charts()` draws definitions that the whole pipeline accepts: states nested to depth three, guards
and assignments over small integers, `raise` at once and later, `cancel`, `always`, `after`,
wildcards, `onDone`, effects, logs, invokes. Endless loops can happen. Parallel and history states
are drawn only where asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

FIELDS = ("a", "b", "c")
EVENTS = ("go", "go.fast", "stop", "tick")
RAISED = ("inner", "echo")
DELAYS = ("1 s", "1500", "3 seconds")
LATER = (*DELAYS, "interval '2 s'", "(abs(context.a) + 1) * interval '1 s'")
IDS = ("one", "two")


@dataclass(frozen=True, slots=True)
class Node:
    """A state of a chart to be; `path` is a tuple of keys, the root's empty."""

    path: tuple[str, ...]
    kind: str
    children: tuple["Node", ...] = ()

    @property
    def key(self) -> str:
        return self.path[-1]

    def all(self) -> tuple["Node", ...]:
        """The node and everything below it."""
        return (self, *(inner for child in self.children for inner in child.all()))


@dataclass(frozen=True, slots=True)
class Walk:
    """One step: an event with its number, seconds that pass, or an answer to the n-th invoke."""

    kind: str
    name: str
    number: int


def walks() -> SearchStrategy[list[Walk]]:
    """Steps to take with any chart."""
    event = st.builds(Walk, st.just("send"), st.sampled_from(EVENTS), st.integers(-1, 6))
    others = st.builds(
        Walk, st.sampled_from(["advance", "done", "error"]), st.just(""), st.integers(0, 4)
    )
    return st.lists(st.one_of(event, event, others), min_size=3, max_size=10)


@st.composite
def charts(draw: DrawFn, parallel: bool = False, history: bool = False) -> str:
    """A definition called `chart`."""
    root = draw(nodes((), 3, parallel, history))
    return "\n".join(block(draw(definitions(root))))


@st.composite
def definitions(draw: DrawFn, root: Node) -> dict[str, Any]:
    """A definition with these states."""
    body = _Writer(draw, root).state(root)
    head: dict[str, Any] = {
        "machine": "chart",
        "version": "1",
        "strict": draw(st.sampled_from(["true", "false"])),
        "context": {field: f"int not null default {draw(st.integers(0, 3))}" for field in FIELDS},
        "events": {name: {"x": "int not null default 1"} for name in (*EVENTS, *RAISED)},
        "effects": {"mail": {}, "work": {"returns": {"y": "int"}}},
    }
    return {**head, **body}


@st.composite
def nodes(draw: DrawFn, path: tuple[str, ...], depth: int, parallel: bool, history: bool) -> Node:
    counts = (2, 3) if not path else (0, 0, 0, 2, 1, 3) if depth else (0,)
    count = draw(st.sampled_from(counts))
    if count == 0:
        final = path and draw(st.integers(0, 2)) == 2
        return Node(path, "final" if final else "atomic")
    keys = "abc"[:count]
    children = [draw(nodes((*path, key), depth - 1, parallel, history)) for key in keys]
    kind = "parallel" if parallel and count > 1 and draw(st.integers(0, 2)) == 0 else "compound"
    if kind == "parallel":
        children = [
            Node(child.path, "atomic") if child.kind == "final" else child for child in children
        ]
    elif children[0].kind == "final":
        children[0] = Node(children[0].path, "atomic")
    if history and draw(st.booleans()):
        children.append(Node((*path, "h"), draw(st.sampled_from(["shallow", "deep"]))))
    return Node(path, kind, tuple(children))


class _Writer:
    """Fill a tree with transitions and actions."""

    def __init__(self, draw: DrawFn, root: Node) -> None:
        self.draw = draw
        self.nodes = root.all()[1:]

    def _chance(self, one_in: int) -> bool:
        return self.draw(st.integers(1, one_in)) == one_in

    def _some(self, names: Sequence[str], least: int, most: int) -> list[str]:
        drawn = st.lists(st.sampled_from(names), min_size=least, max_size=most, unique=True)
        return self.draw(drawn)

    def state(self, node: Node) -> dict[str, Any]:
        """The keys of a state node."""
        match node.kind:
            case "shallow" | "deep":
                return self._history(node)
            case "final":
                output = {"output": {"v": self._number(False)}} if self._chance(2) else {}
                return {"type": "final", **self._doings(), **output}
            case kind:
                shape = {"type": kind} if kind == "parallel" else {}
                return {**shape, **self._begin(node), **self._doings(), **self._moves(node)}

    def _history(self, node: Node) -> dict[str, Any]:
        found: dict[str, Any] = {"type": "history", "history": node.kind}
        if self._chance(2):
            inside = [n for n in self.nodes if n.path[:-1] == node.path[:-1] and n != node]
            found["target"] = self.draw(st.sampled_from([n.key for n in inside]))
        return found

    def _begin(self, node: Node) -> dict[str, Any]:
        if not node.children:
            return {}
        states = {"states": {child.key: self.state(child) for child in node.children}}
        if node.kind == "parallel":
            return states
        first = node.children[0].key
        if self._chance(4):
            return {"initial": {"target": first, "actions": self._actions(False)}, **states}
        return {"initial": first, **states}

    def _doings(self) -> dict[str, Any]:
        return {
            key: self._actions(False, self._chance(4))
            for key in ("entry", "exit")
            if self._chance(4)
        }

    def _moves(self, node: Node) -> dict[str, Any]:
        found: dict[str, Any] = {}
        found["on"] = {
            name: self._candidates(node, "*" not in name, name in EVENTS)
            for name in self._some([*EVENTS, *RAISED, "go.*", "*"], 1, 2)
        }
        if self._chance(5):
            found["always"] = [self._eventless(node)]
        if self._chance(4):
            found["after"] = {
                delay: self._candidates(node, False) for delay in self._some(DELAYS, 1, 2)
            }
        if any(child.kind == "final" for child in node.children) and node.path:
            found["onDone"] = self._candidates(node, False)
        if self._chance(5):
            found["invoke"] = self._invoke(node)
        return {key: value for key, value in found.items() if value}

    def _eventless(self, node: Node) -> dict[str, Any]:
        """Mostly guarded and going elsewhere, so that not every chart loops."""
        found = self._transition(node, False)
        if not self._chance(8):
            field, value = self.draw(st.sampled_from(FIELDS)), self.draw(st.integers(1, 4))
            found |= {"target": self._target(node), "guard": f"context.{field} = {value}"}
        return found

    def _invoke(self, node: Node) -> dict[str, Any]:
        done = self._transition(node, False)
        if self._chance(2):
            done["assign"] = {"a": "coalesce(event.output.y, 0) % 5"}
        found = {"src": "work", "input": {"n": self._number(False)}, "onDone": [done]}
        return found | ({"onError": self._candidates(node, False)} if self._chance(2) else {})

    def _candidates(self, node: Node, event: bool, raising: bool = False) -> list[dict[str, Any]]:
        count = 2 if self._chance(4) else 1
        return [self._transition(node, event, raising) for _ in range(count)]

    def _transition(self, node: Node, event: bool, raising: bool = False) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if not self._chance(4):
            found["target"] = self._target(node)
            if self._chance(4):
                found["reenter"] = "true"
        if self._chance(2):
            found["guard"] = self._condition(event)
        if self._chance(2):
            found["assign"] = self._assign(event)
        if self._chance(3):
            found["actions"] = self._actions(event, raising)
        return found

    def _target(self, node: Node) -> str:
        """Any state, by one of its spellings."""
        goal = self.draw(st.sampled_from(self.nodes))
        spellings = ["#chart." + ".".join(goal.path)]
        above = node.path[:-1]
        if goal.path[: len(above)] == above and len(goal.path) > len(above):
            spellings.append(".".join(goal.path[len(above) :]))
        if goal.path[: len(node.path)] == node.path and goal.path != node.path:
            spellings.append("." + ".".join(goal.path[len(node.path) :]))
        return self.draw(st.sampled_from(spellings))

    def _actions(self, event: bool, raising: bool = False) -> list[dict[str, Any]]:
        count = 2 if self._chance(3) else 1
        return [self._action(event, raising) for _ in range(count)]

    def _action(self, event: bool, raising: bool) -> dict[str, Any]:
        kinds = ["log", "assign", "effect", "later", "cancel", *["raise"] * raising]
        match self.draw(st.sampled_from(kinds)):
            case "assign":
                return {"assign": self._assign(event)}
            case "log":
                return {"log": self._number(event)}
            case "effect":
                return {"effect": "mail", "input": {"n": self._number(event)}}
            case "cancel":
                return {"cancel": self.draw(st.sampled_from(IDS))}
            case "later":
                name = self.draw(st.sampled_from([*RAISED, *EVENTS]))
                when = {"delay": self.draw(st.sampled_from(LATER))}
                id = {} if self._chance(3) else {"id": self.draw(st.sampled_from(IDS))}
                return {"raise": {"event": name, "data": {"x": self._number(event)}, **when, **id}}
            case _:
                name = self.draw(st.sampled_from(RAISED))
                return {"raise": {"event": name, "data": {"x": self._number(event)}}}

    def _assign(self, event: bool) -> dict[str, Any]:
        fields = self.draw(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=2, unique=True))
        return {field: self._number(event) for field in fields}

    def _number(self, event: bool) -> str:
        """An integer expression that stays small."""
        one, other = self._term(event), self._term(event)
        sign = self.draw(st.sampled_from("+-*"))
        return self.draw(st.sampled_from([one, f"({one} {sign} {other}) % 5"]))

    def _term(self, event: bool) -> str:
        terms = [*(f"context.{field}" for field in FIELDS), "1", "2", *["event.x"] * event]
        return self.draw(st.sampled_from(terms))

    def _condition(self, event: bool) -> str:
        sign = self.draw(st.sampled_from(["<", "<=", "=", "<>", ">", ">="]))
        simple = f"{self._term(event)} {sign} {self.draw(st.integers(0, 4))}"
        match self.draw(st.integers(0, 5)):
            case 0:
                return f"{simple} and {self._condition(event)}"
            case 1:
                return f"not ({simple}) or {self._condition(event)}"
            case 2:
                path = ".".join(self.draw(st.sampled_from(self.nodes)).path)
                return f"{simple} or in_state('{path}')"
            case _:
                return simple


def block(value: dict[str, Any], indent: str = "") -> list[str]:
    """YAML in block style, so that no comma and no colon of an expression is YAML's.

    >>> block({"on": {"*": [{"target": "#m.a"}]}})
    ['on:', '  "*":', '    -', '      target: "#m.a"']
    """
    lines: list[str] = []
    for key, inner in value.items():
        name = f'{indent}"{key}":' if key == "*" else f"{indent}{key}:"
        match inner:
            case {} if not inner:
                lines.append(f"{name} {{}}")
            case dict():
                lines += [name, *block(inner, indent + "  ")]
            case list():
                lines.append(name)
                for each in inner:
                    lines += _item(each, indent + "  ")
            case text:
                lines.append(f'{name} "{text}"' if text.startswith("#") else f"{name} {text}")
    return lines


def _item(value: dict[str, Any], indent: str) -> list[str]:
    return [f"{indent}-", *block(value, indent + "  ")] if value else [f"{indent}- {{}}"]
