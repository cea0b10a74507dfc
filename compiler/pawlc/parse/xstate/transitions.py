"""Transitions and what triggers them: `on`, `after`, `always`, `onDone`, `invoke`, `initial`."""

from collections.abc import Iterator
from dataclasses import replace

from pawlc import syntax
from pawlc.parse.xstate import legacy
from pawlc.parse.xstate.actions import actions, assign
from pawlc.parse.xstate.guards import guard
from pawlc.parse.xstate.shapes import Import, is_null, items, members, pairs, text, unbuilt
from pawlc.parse.yaml.nodes import Entry, Mapping, Node, Scalar
from pawlc.parse.yaml.shapes import boolean, replaced, wrong
from pawlc.source import Text

_KEYS = ("target", "guard", "actions", "reenter", "description", "context", "order")
_SILENT = ("meta", *legacy.TRANSITION)
_INVOKE_KEYS = ("src", "id", "input", "onDone", "onError", "onSnapshot")
_INVOKE_UNBUILT = {
    "timeout": "write it under `effects:` in the companion",
    "heartbeat": "the worker extends its lease by itself",
    "retry": "write it under `effects:` in the companion",
    "syncSnapshot": None,
}
_FORBID = "write `{}` to forbid an event, `[]` to leave it to the ancestors"


def transitions(reading: Import, node: Node | None) -> tuple[syntax.Transition, ...]:
    """One transition or a list of candidates, in order (`@statelyai/schema`: by `order`)."""
    found = (_transition(reading, item) for item in items(node))
    ranked = sorted((one for one in found if one is not None), key=lambda one: one[0])
    return tuple(transition for _, transition in ranked)


def _transition(reading: Import, node: Node) -> tuple[float, syntax.Transition] | None:
    match node:
        case Scalar() if not node.plain:
            goal = (node.text,) if node.text.value else None
            return 0, syntax.Transition(goal, None, (), False, None, node.span)
        case Mapping():
            return _object(reading, node)
        case _:
            wrong(reading.form, node, "a transition", "a target or an object", _FORBID)
            return None


def transition(reading: Import, node: Mapping) -> syntax.Transition:
    """A transition as an object."""
    return _object(reading, node)[1]


def _object(reading: Import, node: Mapping) -> tuple[float, syntax.Transition]:
    form = reading.form
    found = members(form, node, "a transition", _KEYS, _SILENT)
    old = legacy.transition(reading, node, found)
    chosen, reenter = found.get("guard"), found.get("reenter")
    described, assigned = found.get("description"), found.get("context")
    after = () if assigned is None else (assign(reading, assigned.value, assigned.key.span),)
    condition = old.guard if chosen is None else guard(reading, chosen.value)
    made = syntax.Transition(
        targets=targets(reading, found["target"].value) if "target" in found else None,
        guard=_both(condition, old.state, node),
        actions=(*actions(reading, _value(found, "actions")), *after),
        reenter=old.reenter if reenter is None else _reenter(reading, reenter.value),
        description=None if described is None else text(form, described.value, "`description`"),
        span=node.span,
    )
    return _order(found.get("order")), made


def _both(
    one: syntax.Guard | None, other: syntax.Guard | None, node: Mapping
) -> syntax.Guard | None:
    """Both conditions, as far as there are any."""
    if one is None or other is None:
        return one or other
    return syntax.Combined("and", (one, other), node.span)


def _reenter(reading: Import, node: Node) -> bool:
    return not is_null(node) and boolean(reading.form, node, "`reenter`", False)


def _order(entry: Entry | None) -> float:
    """The rank of a candidate; 0 for one that has none."""
    if entry is None or not isinstance(entry.value, Scalar) or not entry.value.plain:
        return 0
    try:
        return float(entry.value.text.value)
    except ValueError:
        return 0


def targets(reading: Import, node: Node) -> tuple[Text, ...] | None:
    """One target or several; None for none at all."""
    found = (text(reading.form, item, "`target`") for item in items(node))
    return tuple(target for target in found if target is not None and target.value) or None


def handlers(reading: Import, node: Node | None) -> tuple[syntax.Handler, ...]:
    """The entries of `on` but for `""`, which is v4's `always`."""
    return tuple(
        handler
        for entry in _entries(reading, node, "on", "event")
        if entry.key.value != ""
        for handler in _handler(reading, entry)
    )


def _handler(reading: Import, entry: Entry) -> Iterator[syntax.Handler]:
    if is_null(entry.value):
        wrong(reading.form, entry.value, f"`{entry.key}`", "a transition", _FORBID)
    candidates = transitions(reading, entry.value)
    for descriptor in reading.names.descriptors(entry.key.value):
        key = entry.key
        yield syntax.Handler(
            key if descriptor == key.value else replaced(key, descriptor), candidates
        )


def delayed(reading: Import, node: Node | None) -> tuple[syntax.After, ...]:
    """The entries of `after`."""
    return tuple(
        syntax.After(entry.key, transitions(reading, entry.value))
        for entry in _entries(reading, node, "after", "delay")
    )


def always(reading: Import, state: Mapping) -> tuple[syntax.Transition, ...]:
    """`always`, and v4's `on: {"": …}` behind it."""
    handled = state.get("on")
    unnamed = handled.get("") if isinstance(handled, Mapping) else None
    if isinstance(handled, Mapping) and unnamed is not None:
        key = next(entry.key for entry in handled.entries if entry.key.value == "")
        legacy.translated(reading, '`""` under `on`', "`always`", key.span)
    return (*transitions(reading, state.get("always")), *transitions(reading, unnamed))


def _entries(reading: Import, node: Node | None, key: str, named: str) -> tuple[Entry, ...]:
    """The entries of `on` or `after`; v4's list of objects is read as well."""
    if node is None or is_null(node):
        return ()
    if isinstance(node, Mapping):
        return node.entries
    listed = legacy.listed(reading, node, key, named)
    if listed is None:
        wrong(reading.form, node, f"`{key}`", "an object")
        return ()
    return listed


# --- invoke and initial -----------------------------------------------------------------------


def invokes(reading: Import, node: Node | None, state_id: str) -> tuple[syntax.Invoke, ...]:
    """One `invoke` or a list; XState's default id is `<number>.<id of the state>`."""
    found = (
        _invoke(reading, item, f"{number}.{state_id}") for number, item in enumerate(items(node))
    )
    return tuple(invoke for invoke in found if invoke is not None)


def _invoke(reading: Import, node: Node, default_id: str) -> syntax.Invoke | None:
    form = reading.form
    if not isinstance(node, Mapping):
        wrong(form, node, "`invoke`", "an object", 'write `{"src": "name", …}`')
        return None
    silent = (*_INVOKE_UNBUILT, *legacy.INVOKE, "meta", "description", "systemId")
    found = members(form, node, "`invoke`", _INVOKE_KEYS, silent)
    for entry in node.entries:
        if entry.key.value in _INVOKE_UNBUILT and not _idle(entry.value):
            hint = _INVOKE_UNBUILT[entry.key.value]
            unbuilt(form, f"`{entry.key}` of an invoke", entry.key.span, hint)
    source = _source(reading, node, _value(found, "src"))
    if source is None:
        return None
    ident = text(form, found["id"].value, "`id`") if "id" in found else None
    given = legacy.invoke_input(reading, node) or _value(found, "input")
    machine = reading.machines.get(source.value)
    return syntax.Invoke(
        src=None if machine else source,
        machine=replaced(source, machine) if machine else None,
        id=ident or replaced(source, default_id),
        input=pairs(reading, given, "`input`"),
        on_done=transitions(reading, _value(found, "onDone")),
        on_error=transitions(reading, _value(found, "onError")),
        on_snapshot=transitions(reading, _value(found, "onSnapshot")),
        span=node.span,
    )


def _idle(node: Node) -> bool:
    """Whether a key says nothing: null, `false`, an empty list."""
    if isinstance(node, Scalar):
        return node.plain and node.text.value in ("null", "false")
    return not isinstance(node, Mapping) and not node.items


def _source(reading: Import, node: Mapping, source: Node | None) -> Text | None:
    if isinstance(source, Mapping):  # v4: `{type: name}`
        source = source.get("type")
    if source is None:
        hint = "`src` names an actor; implement it under `effects:` in the companion"
        reading.form.sink.error("PW102", "`invoke` needs a `src`", node.span, "no `src`", hint)
        return None
    return text(reading.form, source, "`src`")


def initial(reading: Import, node: Node | None) -> syntax.Initial | None:
    """`initial: name`, or `{target, actions}`."""
    if node is None or is_null(node):
        return None
    found: dict[str, Entry] = {}
    goal: Node = node
    if isinstance(node, Mapping):
        found = members(reading.form, node, "`initial`", ("target", "actions"), ("description",))
        if "target" not in found:
            message = "`initial` needs a `target`"
            reading.form.sink.error("PW102", message, node.span, "no `target`")
            return None
        goal = found["target"].value
    targets = tuple(
        replace(target, value=target.value.removeprefix("."))
        for item in items(goal)
        if (target := text(reading.form, item, "`initial`")) is not None
    )
    done = actions(reading, _value(found, "actions"))
    return syntax.Initial(targets, done, node.span) if targets else None


def _value(found: dict[str, Entry], key: str) -> Node | None:
    return found[key].value if key in found else None
