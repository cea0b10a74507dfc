"""Random further versions of random charts, with random migrations to them.

`upgrades()` draws a chart and further versions of it, each of which migrates from the one before:
with the same tree of states and another behaviour, with a state renamed, or another chart
altogether.
Conditions, context, histories, timers and invokes are drawn; what the compiler finds open is then
settled as it says, so that every version compiles or has no legal mapping at all.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from pawlc.compile import Compiled, Earlier, compile_machine
from pawlc.diagnostics import CompileError, Diagnostic, Severity
from tests.semantics.charts import FIELDS, Node, block, definitions, nodes, walks
from tests.semantics.upgrading import Leg

RULES = ("start", "restart", "skip")
_FEW = 8
_OPEN = re.compile(r"(timer|invoke) `([^`]+)` (has no|could|reads|is)")
_PENDING = re.compile(r"a delayed `([^`]+)`")


@dataclass(frozen=True, slots=True)
class Upgrade:
    """Definitions by version, and what to do about timers and invokes that a migration opens."""

    written: tuple[dict[str, Any], ...]
    rules: tuple[str, ...]
    companions: tuple[str | None, ...]


@st.composite
def upgrades(draw: DrawFn, versions: int = 2, python: bool = False, back: bool = False) -> Upgrade:
    """A chart and its further versions; the last `versions - 1` migrate from the one before.

    With `python` a function computes some of the fields, a few of them only under a condition; with
    `back` each says how to go back to the one before, too.
    """
    parallel = draw(st.booleans())
    tree = draw(nodes((), 2, parallel, draw(st.booleans())))
    written = [draw(definitions(tree))]
    companions: list[str | None] = [None]
    for number in range(2, versions + 1):
        before = tree
        match draw(st.sampled_from(["same", "renamed", "another"])):
            case "renamed":
                tree = _renamed(tree, f"z{number}")
                first = before.children[0], tree.children[0]
                migrate = draw(_mapping(before, tree, *first))
                way_back = draw(_mapping(tree, before, *reversed(first))) if back else None
            case "another":
                tree = draw(nodes((), 2, parallel, draw(st.booleans())))
                migrate = draw(_mapping(before, tree))
                way_back = draw(_mapping(tree, before)) if back else None
            case _:
                migrate = draw(_mapping(before, tree))
                way_back = draw(_mapping(tree, before)) if back else None
        further = draw(definitions(tree))
        further["context"] = draw(_context(written[-1]["context"]))
        if draw(st.booleans()):
            checked = f"n{number}"
            further["context"][checked] = f"int not null default 0 check ({checked} > -2)"
            migrate["context"][checked] = draw(_number())
        companions.append(draw(_function(migrate)) if python else None)
        if way_back is not None:
            migrate["back"] = way_back
        written.append({**further, "version": f"{number}", "migrate": {f"{number - 1}": migrate}})
    rules = draw(st.lists(st.sampled_from(RULES), min_size=3))
    return Upgrade(tuple(written), tuple(rules), tuple(companions))


@st.composite
def journeys(draw: DrawFn, versions: int, back: bool) -> tuple[Leg, ...]:
    """A walk in each version on a way from the first: to the last, or with `back` to and fro."""
    way = [1]
    while len(way) < versions or (back and len(way) < 3 * versions and draw(st.booleans())):
        near = (way[-1] + 1, *([way[-1] - 1] if back else ()))
        way.append(draw(st.sampled_from([one for one in near if 1 <= one <= versions])))
    return tuple((version, draw(walks())) for version in way)


@st.composite
def _function(draw: DrawFn, migrate: dict[str, Any]) -> str:
    """Take fields out of `context`, and write the function that computes them; and a guard."""
    fields = [field for field in migrate["context"] if draw(st.integers(0, 3))]
    told = {field: migrate["context"].pop(field).replace("old.", "") for field in fields}
    always = [field for field in told if draw(st.booleans())]
    migrate["python"] = "moved"
    for choices in migrate["states"].values():
        if not isinstance(choices, str):
            choices[0]["guard"] = {"python": "more"}
    limit = draw(st.integers(0, 3))
    return (
        f"def more(a):\n    return a > {limit}\n\n\n"
        "def moved(a, b, c):\n"
        f"    if b > {draw(st.integers(0, 2))}:\n        return {{{_items(told, always)}}}\n"
        f"    return {{{_items(told, fields)}}}\n"
    )


def _items(told: dict[str, str], fields: list[str]) -> str:
    return ", ".join(f'"{field}": {told[field]}' for field in fields)


@st.composite
def _context(draw: DrawFn, before: dict[str, str]) -> dict[str, str]:
    """The fields of the version before, some with another type, default or check."""
    found = dict(before)
    for field in FIELDS:
        match draw(st.integers(0, 9)):
            case 0:
                found[field] = f"bigint not null default {draw(st.integers(0, 3))}"
            case 1:
                found[field] = f"int not null default {draw(st.integers(0, 3))}"
            case 2:
                found[field] += f" check ({field} > {draw(st.integers(-9, 0))})"
            case _:
                pass
    return found


def _renamed(root: Node, key: str) -> Node:
    """The same tree, its first state called otherwise."""
    first, *others = root.children
    return Node(root.path, root.kind, (_under((key,), first), *others))


def _under(path: tuple[str, ...], node: Node) -> Node:
    children = tuple(_under((*path, child.key), child) for child in node.children)
    return Node(path, node.kind, children)


@st.composite
def _mapping(draw: DrawFn, before: Node, after: Node, *renamed: Node) -> dict[str, Any]:
    """Where the trees are the same, what agrees needs no word; nor what a state takes along that is
    renamed, `renamed` being that state before and after."""
    goals = [n for n in after.all()[1:] if n.kind not in ("final", "shallow", "deep")]
    paths = {node.path for node in after.all()}
    sources = [n for n in before.all()[1:] if n.kind not in ("final", "shallow", "deep")]
    sources = [n for n in sources if not _in_region(before, n)]
    moved = renamed[0].all() if renamed else ()
    chosen = _choices(goals, _configurations(before) <= _FEW)
    states: dict[str, Any] = {
        ".".join(node.path): draw(chosen)
        for node in sources
        if goals
        and ((node.path not in paths and node not in moved) or draw(st.integers(0, 3)) == 0)
    }
    if renamed:
        states[renamed[0].key] = renamed[1].key
    fields = draw(st.lists(st.sampled_from(FIELDS), max_size=2, unique=True))
    histories = [n for n in after.all() if n.kind in ("shallow", "deep")]
    skipped = {".".join(n.path): "skip" for n in histories if draw(st.integers(0, 3)) == 0}
    return {
        "states": states,
        "context": {field: draw(_number()) for field in fields},
        "history": skipped,
        "timers": {},
        "invokes": {},
    }


def _configurations(node: Node) -> int:
    """How many there are; conditions multiply them, and a thousand take minutes to compile."""
    inside = [_configurations(c) for c in node.children if c.kind not in ("shallow", "deep")]
    return (prod(inside) if node.kind == "parallel" else sum(inside)) or 1


def _in_region(root: Node, node: Node) -> bool:
    """Whether a state lies in a parallel one, whose leaves cannot go apart at will."""
    around = (other for other in root.all() if other.kind == "parallel")
    return any(node in other.all()[1:] for other in around)


@st.composite
def _choices(draw: DrawFn, goals: list[Node], conditions: bool) -> str | list[dict[str, Any]]:
    paths = [".".join(goal.path) for goal in goals]
    goal = st.sampled_from(paths)
    match draw(st.integers(0, 3)):
        case 0 if conditions:
            condition = f"old.{draw(st.sampled_from(FIELDS))} > {draw(st.integers(0, 3))}"
            return [{"guard": condition, "target": draw(goal)}, {"target": draw(goal)}]
        case _:
            return draw(goal)


@st.composite
def _number(draw: DrawFn) -> str:
    return f"old.{draw(st.sampled_from(FIELDS))} + {draw(st.integers(-2, 2))}"


# --- compiling --------------------------------------------------------------------------------


def compiled(upgrade: Upgrade) -> tuple[Compiled, ...] | None:
    """Every version; None if one goes in circles, or no mapping of its states is legal."""
    found: list[Compiled] = []
    for written, companion in zip(upgrade.written, upgrade.companions, strict=True):
        earlier = {one.machine.version: Earlier(one.machine, one.hash) for one in found}
        chart = _settled(written, companion, earlier, upgrade.rules)
        if chart is None:
            return None
        found.append(chart)
    return tuple(found)


def _settled(
    written: dict[str, Any],
    companion: str | None,
    earlier: Mapping[int, Earlier],
    rules: tuple[str, ...],
) -> Compiled | None:
    """Compile; give what is open a rule, and again until nothing is."""
    chosen = [*rules, *["skip"] * 100]
    while True:
        lines = block(written)
        try:
            text = "\n".join(lines)
            return compile_machine(text, "chart.machine.yaml", companion, earlier=earlier)
        except CompileError as error:
            found = [d for d in error.diagnostics if d.severity is Severity.ERROR]
            codes = {d.code for d in found}
            if codes & {"PW403", "PW461"}:
                return None
            if codes != {"PW462"}:
                raise
            for diagnostic in found:
                is_back = lines[diagnostic.span.start.line - 1].strip() == "back:"
                _settle(written, diagnostic, chosen, is_back)


def _settle(
    written: dict[str, Any], diagnostic: Diagnostic, chosen: list[str], is_back: bool
) -> None:
    (migrate,) = written["migrate"].values()
    if is_back:
        migrate = migrate["back"]
    if (pending := _PENDING.search(diagnostic.message)) is not None:
        written.setdefault("on", {}).setdefault(pending[1], [{}])
        return
    open_ = _OPEN.search(diagnostic.message)
    assert open_ is not None, diagnostic
    rules = migrate[f"{open_[1]}s"]
    rules[open_[2]] = "skip" if open_[2] in rules or open_[3] in ("reads", "is") else chosen.pop(0)
