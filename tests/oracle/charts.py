"""Random charts as values, from which both a native definition and an XState config are written.

An expression is a `Code`: the same thing in SQL and in JavaScript. Every state logs that it is
entered and left, and every transition that acts logs its number, so the order of all actions shows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

FIELDS = ("a", "b", "c")
EVENTS = ("go", "go.fast", "stop", "tick")
RAISED = ("inner", "echo")
DELAYS = (1000, 1500, 3000)
IDS = ("one", "two", "three", "four")

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """An expression over `context` and `event` in both languages."""

    sql: str
    js: str


@dataclass(frozen=True, slots=True)
class Compare:
    """A guard that compares integers."""

    code: Code


@dataclass(frozen=True, slots=True)
class In:
    """A guard: is this state active?"""

    path: Path


@dataclass(frozen=True, slots=True)
class Joined:
    """Guards under `and`, `or` or (one of them) `not`."""

    operator: str
    guards: tuple["Guard", ...]


Guard = Compare | In | Joined


@dataclass(frozen=True, slots=True)
class Assign:
    """Fields set together."""

    fields: tuple[tuple[str, Code], ...]


@dataclass(frozen=True, slots=True)
class Log:
    """A line."""

    line: Code


@dataclass(frozen=True, slots=True)
class Raise:
    """An internal event with its number."""

    event: str
    number: Code


@dataclass(frozen=True, slots=True)
class RaiseLater:
    """An event with its number, in so many milliseconds; with an id it can be cancelled."""

    event: str
    number: Code
    delay: int
    id: str | None


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel the pending event of this id."""

    id: str


Action = Assign | Log | Raise | RaiseLater | Cancel


@dataclass(frozen=True, slots=True)
class Arc:
    """A transition. `targets` empty: targetless; `spelling` says how its one target is written."""

    targets: tuple[Path, ...] = ()
    spelling: str = "#"
    reenter: bool = False
    guard: Guard | None = None
    actions: tuple[Action, ...] = ()


Arcs = tuple[Arc, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A state. `kind` is atomic, compound, parallel, final, shallow or deep; the root's path is ().

    `initial` are actions of the `initial` transition. `default` are the targets of a history state.
    """

    path: Path
    kind: str
    children: tuple["Node", ...] = ()
    initial: tuple[Action, ...] = ()
    entry: tuple[Action, ...] = ()
    exit: tuple[Action, ...] = ()
    on: tuple[tuple[str, Arcs], ...] = ()
    always: Arcs = ()
    after: tuple[tuple[int, Arcs], ...] = ()
    done: Arcs = ()
    output: Code | None = None
    default: tuple[Path, ...] = ()

    def all(self) -> Iterator["Node"]:
        """The node and everything below it, in document order."""
        yield self
        for child in self.children:
            yield from child.all()


@dataclass(frozen=True, slots=True)
class Chart:
    """A machine called `chart`; `values` are the defaults of the fields."""

    root: Node
    values: tuple[int, ...] = (0, 0, 0)
    output: Code | None = None

    def arcs(self) -> Iterator[Arc]:
        """All transitions, in the order in which they are written and numbered."""
        for node in self.root.all():
            several = (
                *(a for _, a in node.on),
                node.always,
                *(a for _, a in node.after),
                node.done,
            )
            for arcs in several:
                yield from arcs


@dataclass(frozen=True, slots=True)
class Send:
    """A step: an event with its number."""

    event: str
    number: int


@dataclass(frozen=True, slots=True)
class Advance:
    """A step: time passes, in milliseconds."""

    milliseconds: int


Step = Send | Advance


def chart(random: Random) -> Chart:
    """Draw a chart."""
    skeleton = _skeleton(random, (), 3)
    drawing = _Drawing(random, tuple(skeleton.all()))
    return Chart(
        root=drawing.state(skeleton),
        values=tuple(random.randint(0, 3) for _ in FIELDS),
        output=drawing.number() if random.random() < 0.5 else None,
    )


def walk(random: Random) -> tuple[Step, ...]:
    """Draw steps to take with any chart."""
    return tuple(_step(random) for _ in range(random.randint(4, 12)))


def _step(random: Random) -> Step:
    if random.random() < 0.75:
        return Send(random.choice(EVENTS), random.randint(-1, 6))
    return Advance(500 * random.randint(0, 8))


# --- the tree ---------------------------------------------------------------------------------


def _skeleton(random: Random, path: Path, depth: int) -> Node:
    """The states without anything in them."""
    counts = (2, 3) if not path else (0, 0, 0, 1, 2, 2, 3) if depth else (0,)
    count = random.choice(counts)
    if count == 0:
        return Node(path, "final" if path and random.random() < 0.25 else "atomic")
    kind = "parallel" if random.random() < 0.4 else "compound"
    children = [_skeleton(random, (*path, key), depth - 1) for key in "abc"[:count]]
    if kind == "parallel":
        children = [_not_final(child) for child in children]
    else:
        children[0] = _not_final(children[0])
    if random.random() < 0.35:
        inside = [n.path for child in children for n in child.all() if not is_history(n)]
        default = (random.choice(inside),) if random.random() < 0.5 else ()
        history = Node((*path, "h"), random.choice(("shallow", "deep")), default=default)
        children.insert(random.randint(0, len(children)), history)
    return Node(path, kind, tuple(children))


def _not_final(node: Node) -> Node:
    return Node(node.path, "atomic") if node.kind == "final" else node


def is_history(node: Node) -> bool:
    """Whether it is never active itself."""
    return node.kind in ("shallow", "deep")


class _Drawing:
    """Fill a tree with transitions and actions."""

    def __init__(self, random: Random, nodes: Sequence[Node]) -> None:
        self.random = random
        self.nodes = tuple(nodes)
        self.states = tuple(n for n in nodes if not is_history(n))
        self.parallels = tuple(n for n in nodes if n.kind == "parallel" and len(n.children) > 1)
        self.begins_again = self._chance(0.3)  # the machine itself is a target; then no timer of it

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def state(self, node: Node) -> Node:
        """A state with everything in it."""
        match node.kind:
            case "shallow" | "deep":
                return node
            case "final":
                output = self.number() if self._chance(0.5) else None
                return Node(
                    node.path, node.kind, entry=self._some(), exit=self._some(), output=output
                )
            case kind:
                has_initial = kind == "compound" and self._chance(0.25)
                return Node(
                    path=node.path,
                    kind=kind,
                    children=tuple(self.state(child) for child in node.children),
                    initial=self._actions(raising=self._chance(0.2)) if has_initial else (),
                    entry=self._some(),
                    exit=self._some(),
                    on=self._on(node),
                    always=tuple(self._eventless(node) for _ in range(self._chance(0.25))),
                    after=self._after(node) if self._chance(0.25) and self._ticks(node) else (),
                    done=self._arcs(node, done=True) if _may_complete(node) else (),
                )

    def _ticks(self, node: Node) -> bool:
        """Whether a state may have timers."""
        return bool(node.path) or not self.begins_again

    def _some(self) -> tuple[Action, ...]:
        return self._actions(raising=self._chance(0.25)) if self._chance(0.25) else ()

    # --- transitions --------------------------------------------------------------------------

    def _on(self, node: Node) -> tuple[tuple[str, Arcs], ...]:
        descriptors = self.random.sample([*EVENTS, *RAISED, "go.*", "*"], self.random.randint(0, 3))
        return tuple(
            (name, self._arcs(node, event="*" not in name, raising=name in EVENTS))
            for name in descriptors
        )

    def _after(self, node: Node) -> tuple[tuple[int, Arcs], ...]:
        delays = self.random.sample(DELAYS, self.random.randint(1, 2))
        return tuple((delay, self._arcs(node)) for delay in delays)

    def _arcs(
        self, node: Node, event: bool = False, raising: bool = False, done: bool = False
    ) -> Arcs:
        if event and self._chance(0.04):
            return ()
        count = 2 if self._chance(0.3) else 1
        return tuple(self._arc(node, event, raising, done) for _ in range(count))

    def _arc(self, node: Node, event: bool, raising: bool, done: bool) -> Arc:
        targets, spelling = self._targets(node) if self._chance(0.75) else ((), "#")
        return Arc(
            targets=targets,
            spelling=spelling,
            reenter=bool(targets) and self._chance(0.25),
            guard=self._guard(event) if self._chance(0.4) else None,
            actions=self._actions(event, raising, done) if self._chance(0.5) else (),
        )

    def _eventless(self, node: Node) -> Arc:
        """Guarded, and mostly making its guard false, so that few charts loop."""
        name, value = self.random.choice(FIELDS), self.random.randint(1, 4)
        guard: Guard = Compare(Code(f"context.{name} = {value}", f"context.{name} === {value}"))
        if self._chance(0.3):
            operator = "or" if self._chance(0.1) else "and"
            guard = Joined(operator, (guard, self._guard(False)))
        actions = self._actions()
        if self._chance(0.93):
            other = str((value + self.random.randint(1, 4)) % 5)
            actions = (*actions, Assign(((name, Code(other, other)),)))
        targets, spelling = self._targets(node) if self._chance(0.5) else ((), "#")
        reenter = bool(targets) and self._chance(0.2)
        return Arc(targets, spelling, reenter, guard, actions)

    def _targets(self, node: Node) -> tuple[tuple[Path, ...], str]:
        """Any state, by one of its spellings, or two in different regions."""
        if self.parallels and self._chance(0.15):
            return self._two(self.random.choice(self.parallels)), "#"
        goal = self.random.choice(self.nodes[not self.begins_again :]).path
        spellings = ["#"]
        above = node.path[:-1]
        if goal[: len(above)] == above and len(goal) > len(above) and node.path:
            spellings.append("sibling")
        if goal[: len(node.path)] == node.path and goal != node.path:
            spellings.append(".")
        return (goal,), self.random.choice(spellings)

    def _two(self, parallel: Node) -> tuple[Path, ...]:
        regions = [child for child in parallel.children if not is_history(child)]
        chosen = self.random.sample(regions, min(2, len(regions)))
        return tuple(self.random.choice(tuple(region.all())).path for region in chosen)

    # --- actions and expressions --------------------------------------------------------------

    def _actions(
        self, event: bool = False, raising: bool = False, done: bool = False
    ) -> tuple[Action, ...]:
        count = 2 if self._chance(0.3) else 1
        return tuple(self._action(event, raising, done) for _ in range(count))

    def _action(self, event: bool, raising: bool, done: bool) -> Action:
        kinds = ["log", "type", *["assign"] * 3, "later", "cancel", *["raise"] * 2 * raising]
        match self.random.choice(kinds):
            case "assign":
                names = self.random.sample(FIELDS, self.random.randint(1, 2))
                return Assign(tuple((name, self.number(event, done)) for name in names))
            case "log":
                return Log(self.number(event, done))
            case "type":
                return Log(Code("event.type", "event.type"))
            case "cancel":
                return Cancel(self.random.choice(IDS))
            case "later":
                name = self.random.choice((*EVENTS, *RAISED))
                number, delay = self.number(event, done), self.random.choice(DELAYS)
                return RaiseLater(
                    name, number, delay, self.random.choice((None, None, None, None, *IDS))
                )
            case _:
                return Raise(self.random.choice(RAISED), self.number(event, done))

    def number(self, event: bool = False, done: bool = False) -> Code:
        """An integer expression that stays small."""
        one, other = self._term(event, done), self._term(event, done)
        sign = self.random.choice("+-*")
        if self._chance(0.5):
            return one
        return Code(f"({one.sql} {sign} {other.sql}) % 5", f"(({one.js} {sign} {other.js}) % 5)")

    def _term(self, event: bool, done: bool) -> Code:
        terms = [*(f"context.{name}" for name in FIELDS), "1", "2", *["event.x"] * event]
        if done and self._chance(0.3):
            return Code("coalesce((event.output ->> 'v')::int, 0)", "(event.output?.v ?? 0)")
        term = self.random.choice(terms)
        return Code(term, term)

    def _guard(self, event: bool) -> Guard:
        match self.random.randint(0, 6):
            case 0:
                both = self._guard(event), self._guard(event)
                return Joined(self.random.choice(("and", "or")), both)
            case 1:
                return Joined("not", (self._guard(event),))
            case 2:
                return In(self.random.choice(self.states[1:]).path)
            case _:
                return Compare(self._comparison(event))

    def _comparison(self, event: bool) -> Code:
        sql, js = self.random.choice(
            (("<", "<"), ("<=", "<="), ("=", "==="), ("<>", "!=="), (">", ">"), (">=", ">="))
        )
        term, number = self._term(event, False), self.random.randint(0, 4)
        return Code(f"{term.sql} {sql} {number}", f"{term.js} {js} {number}")


def _may_complete(node: Node) -> bool:
    """Whether it can be done, and is not the machine."""
    if not node.path:
        return False
    if node.kind == "compound":
        return any(child.kind == "final" for child in node.children)
    return node.kind == "parallel" and all(
        _may_complete(child) for child in node.children if not is_history(child)
    )
