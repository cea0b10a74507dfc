"""Actions: a name, `{type, params}`, and the built-ins.

`core.assign`, `xstate.raise`, `xstate.sendTo`, `xstate.log` are written as `@statelyai/schema`
spells them, their arguments inside `params`, or as XState shows them, beside `type`; so are
`xstate.sendParent` and `xstate.cancel`. What Pawl does not build is refused by name.
"""

from pawlc import syntax
from pawlc.expr.literals import sql_text
from pawlc.parse.xstate.shapes import (
    Import,
    is_expression,
    is_text,
    items,
    pairs,
    reference,
    text,
    unbuilt,
    value,
)
from pawlc.parse.yaml.nodes import Mapping, Node, Scalar
from pawlc.parse.yaml.shapes import replaced, wrong
from pawlc.source import Span, Text

_HINTS = {
    "emit": "an effect tells the outside: implement the action as `- effect: name`",
    "forwardTo": "name the event and its data in an `xstate.sendTo`",
    "spawnChild": "invoke the actor in a state",
    "stopChild": "an invoke ends when its state is left",
    "enqueueActions": "it is a function; implement the action in the companion",
}


def actions(reading: Import, node: Node | None) -> tuple[syntax.Action, ...]:
    """One action or a list of them."""
    found = (_action(reading, item) for item in items(node))
    return tuple(action for action in found if action is not None)


def _action(reading: Import, node: Node) -> syntax.Action | None:
    match node:
        case Scalar() if not node.plain:
            return syntax.NamedRef(node.text)
        case Mapping():
            return _object(reading, node)
        case _:
            wrong(reading.form, node, "an action", "a name or an object with a `type`")
            return None


def _object(reading: Import, node: Mapping) -> syntax.Action | None:
    named = node.get("type")
    if not isinstance(named, Scalar) or named.plain:
        where = node if named is None else named
        hint = "functions cannot be in JSON; name the action and implement it in the companion"
        wrong(reading.form, where, "an action", "a name or an object with a `type`", hint)
        return None
    name = named.text.value
    if name == "core.assign":
        return _assign(reading, node, named.text)
    if name.startswith("xstate."):
        return _built_in(reading, node, named.text)
    return reference(reading, "action", named.text, node.get("params"))


def _built_in(reading: Import, node: Mapping, named: Text) -> syntax.Action | None:
    match named.value.removeprefix("xstate."):
        case "assign":
            return _assign(reading, node, named)
        case "raise":
            return _raise(reading, node, named)
        case "sendTo" | "sendParent" as built_in:
            return _send(reading, node, named, to_parent=built_in == "sendParent")
        case "log":
            return _log(reading, node, named)
        case "cancel":
            return _cancel(reading, node, named)
        case other:
            unbuilt(reading.form, f"`{named}`", named.span, _HINTS.get(other))
            return None


def _argument(node: Mapping, *keys: str) -> Node | None:
    """An argument inside `params`, or beside `type`."""
    params = node.get("params")
    for place in (params, node):
        if isinstance(place, Mapping):
            for key in keys:
                if (found := place.get(key)) is not None:
                    return found
    return None


def _assign(reading: Import, node: Mapping, named: Text) -> syntax.Assign | None:
    assignments = _argument(node, "assignments", "assignment")
    if assignments is None:
        message = f"`{named}` needs `assignments`"
        hint = f'write `{{"type": "{named}", "assignments": {{"field": …}}}}`'
        reading.form.sink.error("PW102", message, named.span, "no `assignments`", hint)
        return None
    return assign(reading, assignments, named.span)


def assign(reading: Import, node: Node, span: Span) -> syntax.Assign:
    """Fields of the context and their new values."""
    return syntax.Assign(pairs(reading, node, "`assignments`", reading.types), span)


def _raise(reading: Import, node: Mapping, named: Text) -> syntax.Raise | None:
    event = _argument(node, "event")
    found = None if event is None else _event(reading, event)
    if found is None:
        if event is None:
            message = "`xstate.raise` needs an `event`"
            reading.form.sink.error("PW102", message, named.span, "no `event`")
        return None
    name, data = found
    written = _argument(node, "delay")
    delay = None if written is None else _delay(reading, written)
    ident = None if delay is None else _argument(node, "id")  # without one it is idle
    id = None if ident is None else text(reading.form, ident, "`id`")
    return syntax.Raise(name, data, delay, id, named.span)


def _send(reading: Import, node: Mapping, named: Text, to_parent: bool) -> syntax.Send | None:
    """An event for the parent, or for the machine that an invoke of this `id` created."""
    event, to = _argument(node, "event"), _argument(node, "to", "target")
    for key, article, missing in (("event", "an", event), ("to", "a", to)):
        if missing is None and not (key == "to" and to_parent):
            message = f"`{named}` needs {article} `{key}`"
            reading.form.sink.error("PW102", message, named.span, f"no `{key}`")
            return None
    found = None if event is None else _event(reading, event)
    invoke = None if to_parent or to is None else text(reading.form, to, "`to`")
    if found is None or (invoke is None and not to_parent):
        return None
    name, data = found
    receiver = syntax.Receiver(invoke=invoke)
    written, ident = _argument(node, "delay"), _argument(node, "id")
    delay = None if written is None else _delay(reading, written)
    id = None if ident is None else text(reading.form, ident, "`id`")
    return syntax.Send(name, receiver, data, delay, id, False, named.span)


def _cancel(reading: Import, node: Mapping, named: Text) -> syntax.Cancel | None:
    ident = _argument(node, "sendId", "id")
    if ident is None:
        message = "`xstate.cancel` needs the `sendId` of what it cancels"
        reading.form.sink.error("PW102", message, named.span, "no `sendId`")
        return None
    found = text(reading.form, ident, "`sendId`")
    return None if found is None else syntax.Cancel(found, named.span)


def _event(reading: Import, node: Node) -> tuple[Text, tuple[syntax.Pair, ...]] | None:
    """An event's type and payload."""
    if isinstance(node, Scalar) and is_text(node) and not is_expression(node):
        return _named(reading, node.text), ()
    kind = node.get("type") if isinstance(node, Mapping) else None
    if not isinstance(node, Mapping) or not isinstance(kind, Scalar) or kind.plain:
        wrong(reading.form, node, "an event", "a name or an object with a `type`")
        return None
    payload = Mapping(tuple(e for e in node.entries if e.key.value != "type"), True, node.span)
    return _named(reading, kind.text), pairs(reading, payload, "an event")


def _named(reading: Import, name: Text) -> Text:
    ours = reading.names.event(name.value)
    return name if ours == name.value else replaced(name, ours)


def _delay(reading: Import, node: Node) -> Text | None:
    """Milliseconds, the name of a delay (the only one that stays quoted), or an expression."""
    if isinstance(node, Scalar) and node.plain and node.text.value.isdigit():
        return node.text
    if isinstance(node, Scalar) and is_text(node):
        if is_expression(node):
            return value(reading, node)
        return node.text
    wrong(reading.form, node, "`delay`", "milliseconds or the name of a delay")
    return None


def _log(reading: Import, node: Mapping, named: Text) -> syntax.Log | None:
    message = _argument(node, "message", "value", "label")
    if message is None:
        return syntax.Log(replaced(named, sql_text("")), named.span)
    found = value(reading, message)
    return None if found is None else syntax.Log(found, named.span)
