"""State nodes, the root among them."""

from collections.abc import Iterator
from dataclasses import replace

from pawlc import syntax
from pawlc.parse.xstate import legacy
from pawlc.parse.xstate.actions import actions
from pawlc.parse.xstate.names import default_id
from pawlc.parse.xstate.shapes import Import, as_json, items, members, pairs, text, value
from pawlc.parse.xstate.transitions import (
    always,
    delayed,
    handlers,
    initial,
    invokes,
    targets,
    transition,
    transitions,
)
from pawlc.parse.yaml.nodes import Entry, Mapping, Node, Scalar
from pawlc.parse.yaml.shapes import replaced, wrong
from pawlc.source import Text
from pawlc.sql import literal
from pawlc.suggest import did_you_mean

KEYS = (
    "type",
    "id",
    "initial",
    "states",
    "on",
    "after",
    "always",
    "onDone",
    "entry",
    "exit",
    "invoke",
    "output",
    "history",
    "target",
    "tags",
    "meta",
    "description",
)
SILENT = (*legacy.STATE, "route", "key", "order", "version")
_TYPES = ("atomic", "compound", "parallel", "final", "history")


def states(reading: Import, node: Node | None, keys: tuple[str, ...]) -> tuple[syntax.State, ...]:
    """The states under `states` of the state that `keys` lead to."""
    if node is None:
        return ()
    if not isinstance(node, Mapping):
        wrong(reading.form, node, "`states`", "an object")
        return ()
    return tuple(_state(reading, entry, keys) for entry in node.entries)


def _state(reading: Import, entry: Entry, keys: tuple[str, ...]) -> syntax.State:
    node, key = entry.value, entry.key
    if not isinstance(node, Mapping):
        wrong(reading.form, node, f"state `{key}`", "an object", "write `{}` for one without keys")
        node = Mapping((), True, key.span)
    found = members(reading.form, node, f"state `{key}`", KEYS, SILENT)
    return state(reading, key, node, found, (*keys, key.value))


def state(
    reading: Import, key: Text, node: Mapping, members: dict[str, Entry], keys: tuple[str, ...]
) -> syntax.State:
    """A state node from its members; `keys` lead to it from the root."""
    form = reading.form
    found = {k: e.value for k, e in legacy.state(reading, node, members).items()}
    id = text(form, found["id"], "`id`") if "id" in found else None
    own_id = id.value if id is not None else default_id(reading.names.machine, keys)
    described = found.get("description")
    return syntax.State(
        key=key,
        type=_type(reading, node, found.get("type")),
        id=id,
        initial=initial(reading, found.get("initial")),
        states=states(reading, found.get("states"), keys),
        on=handlers(reading, found.get("on")),
        after=delayed(reading, found.get("after")),
        always=always(reading, node),
        on_done=transitions(reading, found.get("onDone")),
        entry=actions(reading, found.get("entry")),
        exit=actions(reading, found.get("exit")),
        invoke=invokes(reading, found.get("invoke"), own_id),
        output=_output(reading, found.get("output")),
        authorize=None,
        history=_history(reading, found.get("history")),
        target=targets(reading, found["target"]) if "target" in found else None,
        tags=_tags(reading, found.get("tags")),
        meta=as_json(found["meta"]) if "meta" in found else None,
        description=None if described is None else text(form, described, "`description`"),
        span=key.span,
    )


def _type(reading: Import, node: Mapping, written: Node | None) -> Text | None:
    if legacy.is_parallel(reading, node):
        return replaced(_key(node, "parallel"), "parallel")
    if written is None:
        return _inferred(reading, node)
    found = text(reading.form, written, "`type`")
    if found is None or found.value in _TYPES:
        return found
    hint = did_you_mean(found.value, _TYPES) or "one of " + ", ".join(f"`{t}`" for t in _TYPES)
    message = f"no state is of type `{found}`"
    reading.form.sink.error("PW107", message, found.span, "unknown type", hint)
    return None


def _inferred(reading: Import, node: Mapping) -> Text | None:
    """A state with `history` and no states is a history state."""
    inner = node.get("states")
    if isinstance(inner, Mapping) and inner.entries:
        return None
    found = _history(reading, node.get("history"))
    return None if found is None else replaced(found, "history")


def _key(node: Mapping, name: str) -> Text:
    return next(entry.key for entry in node.entries if entry.key.value == name)


def _history(reading: Import, node: Node | None) -> Text | None:
    """`shallow`, `deep`, or `true` for shallow; `false` is none."""
    match node:
        case None:
            return None
        case Scalar(text=found) if found.value in ("shallow", "deep"):
            return found
        case Scalar(text=found, plain=True) if found.value == "true":
            return replaced(found, "shallow")
        case Scalar(text=found, plain=True) if found.value == "false":
            return None
        case _:
            wrong(reading.form, node, "`history`", '`"shallow"` or `"deep"`')
            return None


def _tags(reading: Import, node: Node | None) -> tuple[Text, ...]:
    found = (text(reading.form, item, "a tag") for item in items(node))
    return tuple({tag.value: tag for tag in found if tag is not None}.values())


def _output(reading: Import, node: Node | None) -> tuple[syntax.Pair, ...] | Text | None:
    """A value, or an object of values that may be expressions."""
    if node is None:
        return None
    if isinstance(node, Mapping):
        return pairs(reading, node, "`output`")
    return value(reading, node)


def routes(reading: Import, root: Mapping) -> tuple[syntax.Handler, ...]:
    """The `route`s of the states that have an `id`: transitions of the root on `xstate.route`, each
    taken when the event's `to` names its state. They replace what the root says of that event."""
    found = tuple(_routes(reading, root))
    if not found:
        return ()
    key = next(key for key, _ in found)
    return (syntax.Handler(replaced(key, "xstate.route"), tuple(t for _, t in found)),)


def _routes(reading: Import, node: Mapping) -> Iterator[tuple[Text, syntax.Transition]]:
    inner = node.get("states")
    for entry in inner.entries if isinstance(inner, Mapping) else ():
        if not isinstance(entry.value, Mapping):
            continue
        id, route = entry.value.get("id"), entry.value.get("route")
        if isinstance(id, Scalar) and isinstance(route, Mapping):
            yield _key(entry.value, "route"), _route(reading, id.text, route)
        yield from _routes(reading, entry.value)


def _route(reading: Import, id: Text, route: Mapping) -> syntax.Transition:
    name = f"#{id}"
    asked = replaced(id, f"event.data->>'to' = {literal(name)}")
    made = transition(reading, route)
    both = asked if made.guard is None else syntax.Combined("and", (asked, made.guard), route.span)
    return replace(made, targets=(replaced(id, name),), guard=both)
