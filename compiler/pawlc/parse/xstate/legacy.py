"""What is left of XState v4 in a machine: translated with a warning, or refused."""

from dataclasses import dataclass

from pawlc import syntax
from pawlc.diagnostics import Diagnostic, Severity
from pawlc.parse.xstate.guards import guard, state_in
from pawlc.parse.xstate.shapes import Import, is_null
from pawlc.parse.yaml.nodes import Entry, Mapping, Node, Scalar, Sequence
from pawlc.parse.yaml.shapes import boolean
from pawlc.source import Span

TRANSITION = ("cond", "in", "internal", "event", "delay")
STATE = ("onEntry", "onExit", "activities", "data", "parallel")
INVOKE = ("data", "autoForward", "forward")
_RENAMED = {"onEntry": "entry", "onExit": "exit", "data": "output"}


@dataclass(frozen=True, slots=True)
class Old:
    """What a transition says in v4's words; `state` is the condition of its `in`."""

    guard: syntax.Guard | None
    state: syntax.Guard | None
    reenter: bool


def transition(reading: Import, node: Mapping, found: dict[str, Entry]) -> Old:
    """`cond`, `in` and `internal` of a transition."""
    old = {e.key.value: e for e in node.entries if e.key.value in TRANSITION}
    condition, inside, internal = old.get("cond"), old.get("in"), old.get("internal")
    chosen: syntax.Guard | None = None
    if condition is not None and "guard" not in found:
        translated(reading, "`cond`", "`guard`", condition.key.span)
        chosen = guard(reading, condition.value)
    state = None
    if inside is not None:
        translated(reading, "`in`", "a guard `stateIn`", inside.key.span)
        state = state_in(reading, inside.value, inside.key)
    outside = False
    if internal is not None:
        outside = not boolean(reading.form, internal.value, "`internal`", True)
        ours = "`reenter: true`" if outside else "the default"
        translated(reading, f"`internal: {str(not outside).lower()}`", ours, internal.key.span)
    return Old(chosen, state, outside)


def state(reading: Import, node: Mapping, found: dict[str, Entry]) -> dict[str, Entry]:
    """The members of a state with v4's keys under their names of today."""
    result = dict(found)
    for entry in node.entries:
        key = entry.key.value
        if key in _RENAMED and _RENAMED[key] not in found:
            translated(reading, f"`{key}`", f"`{_RENAMED[key]}`", entry.key.span)
            result[_RENAMED[key]] = entry
        elif key == "activities" and _says_something(entry.value):
            refused(reading, "`activities`", entry.key.span, "invoke an effect instead")
    return result


def is_parallel(reading: Import, node: Mapping) -> bool:
    """Whether a state is parallel by v3's `parallel: true`."""
    for entry in node.entries:
        if entry.key.value == "parallel" and boolean(reading.form, entry.value, "it", False):
            translated(reading, "`parallel: true`", '`type: "parallel"`', entry.key.span)
            return True
    return False


def invoke_input(reading: Import, node: Mapping) -> Node | None:
    """v4's `data` of an invoke."""
    given = None
    for entry in node.entries:
        match entry.key.value:
            case "data" if node.get("input") is None:
                translated(reading, "`data`", "`input`", entry.key.span)
                given = entry.value
            case "autoForward" | "forward" if _says_something(entry.value):
                hint = "send the events that the actor needs"
                refused(reading, f"`{entry.key}`", entry.key.span, hint)
            case _:
                pass
    return given


def listed(reading: Import, node: Node, key: str, named: str) -> tuple[Entry, ...] | None:
    """v4's `on: [{event, …}]` and `after: [{delay, …}]` as entries, those of one name together."""
    if not isinstance(node, Sequence):
        return None
    grouped: dict[str, list[tuple[Scalar, Node]]] = {}
    for item in node.items:
        name = item.get(named) if isinstance(item, Mapping) else None
        if not isinstance(name, Scalar):
            return None
        grouped.setdefault(name.text.value, []).append((name, item))
    if grouped:
        translated(reading, f"a list under `{key}`", "an object", node.span)
    return tuple(
        Entry(members[0][0].text, Sequence(tuple(item for _, item in members), True, node.span))
        for members in grouped.values()
    )


def translated(reading: Import, theirs: str, ours: str, span: Span) -> None:
    """Warn about a word of v4 that was understood."""
    message = f"{theirs} is XState v4; read as {ours}"
    found = Diagnostic("PW115", message, span, "v4", severity=Severity.WARNING)
    reading.form.sink.add(found)


def refused(reading: Import, theirs: str, span: Span, hint: str) -> None:
    """Refuse a word of v4 that has no equivalent."""
    message = f"{theirs} is XState v4 and has no equivalent"
    reading.form.sink.error("PW115", message, span, "v4", hint)


def _says_something(node: Node) -> bool:
    match node:
        case Scalar():
            return not is_null(node) and node.text.value != "false"
        case Sequence():
            return bool(node.items)
        case Mapping():
            return bool(node.entries)
