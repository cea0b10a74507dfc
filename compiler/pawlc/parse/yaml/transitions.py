"""Transitions and what triggers them: `on`, `after`, `always`, `onDone`, `invoke`."""

import re

from pawlc import syntax
from pawlc.parse.yaml.actions import actions, assign, guard
from pawlc.parse.yaml.nodes import Entry, Mapping, Node, Scalar, Sequence
from pawlc.parse.yaml.shapes import (
    Form,
    boolean,
    each,
    entries,
    is_nothing,
    literal,
    mapping,
    missing,
    name,
    pairs,
    span_of,
    texts,
    wrong,
)
from pawlc.source import Text

KEYS = ("target", "guard", "assign", "actions", "reenter", "description")
_OTHERS = {
    "cond": "XState v5 and Pawl call it `guard`",
    "in": "write `guard: in_state('path')`",
    "internal": "transitions are internal by default; `reenter: true` makes one external",
    "raise": "put it under `actions`, as in `actions: { raise: event }`",
    "effect": "put it under `actions`, as in `actions: { effect: name }`",
    "log": "put it under `actions`, as in `actions: { log: expression }`",
    "send": "put it under `actions`",
    "delay": "a delayed transition is written `after: { 5 minutes: target }`",
}
_EMPTY_HINT = "name a target, or write `{}` to take the event and stay"
_DESCRIPTOR = re.compile(r"\*|[A-Za-z][A-Za-z0-9_.-]*(\.\*)?")


def transitions(form: Form, node: Node | None) -> tuple[syntax.Transition, ...]:
    """One transition or a list of candidates, in order."""
    return each(form, node, transition)


def transition(form: Form, node: Node) -> syntax.Transition | None:
    """A target alone, or a transition object."""
    match node:
        case Scalar():
            target = literal(form, node, "a transition", _EMPTY_HINT)
            if target is None:
                return None
            return syntax.Transition((target,), None, (), False, None, node.span)
        case Sequence():
            hint = "several targets are written `{ target: [a, b] }`"
            wrong(form, node, "a transition", "a target or a mapping", hint)
            return None
        case Mapping():
            return _object(form, node)


def _object(form: Form, node: Mapping) -> syntax.Transition:
    found = mapping(form, node, "a transition", KEYS, _OTHERS)
    before: tuple[syntax.Action, ...] = ()
    if "assign" in found:
        key = next(entry.key for entry in node.entries if entry.key.value == "assign")
        assigned = assign(form, found["assign"], key.span)
        before = () if assigned is None else (assigned,)
    description = found.get("description")
    return syntax.Transition(
        targets=targets(form, found["target"]) if "target" in found else None,
        guard=guard(form, found["guard"]) if "guard" in found else None,
        actions=(*before, *actions(form, found.get("actions"))),
        reenter="reenter" in found and boolean(form, found["reenter"], "`reenter`", False),
        description=literal(form, description, "`description`") if description else None,
        span=span_of(form, node),
    )


def targets(form: Form, node: Node) -> tuple[Text, ...] | None:
    """One target or several; None for an explicit `null`."""
    if is_nothing(node) and not (isinstance(node, Scalar) and node.missing):
        return None
    found = each(form, node, _target) if isinstance(node, Sequence) else (_target(form, node),)
    return tuple(target for target in found if target is not None)


def _target(form: Form, node: Node) -> Text | None:
    return literal(form, node, "`target`", "leave `target` out to stay in the state")


def handlers(form: Form, node: Node | None) -> tuple[syntax.Handler, ...]:
    """The entries of `on`."""
    if node is None:
        return ()
    return tuple(
        syntax.Handler(entry.key, _candidates(form, entry))
        for entry in entries(form, node, "`on`")
        if _descriptor(form, entry.key)
    )


def _candidates(form: Form, entry: Entry) -> tuple[syntax.Transition, ...]:
    """The candidates of an event: `{}` takes it and stays, `[]` leaves it to the ancestors."""
    return transitions(form, entry.value) or _no_candidate(form, entry)


def _descriptor(form: Form, key: Text) -> bool:
    if key.quoted or _DESCRIPTOR.fullmatch(key.value):
        return True
    hint = "letters, digits, `_`, `-` and `.`; `name.*` or `*` for several events"
    if "," in key.value:
        hint = "write one line for each event"
    message = f"`{key}` does not describe an event"
    form.sink.error("PW112", message, key.span, "not an event", hint)
    return False


def delayed(form: Form, node: Node | None) -> tuple[syntax.After, ...]:
    """The entries of `after`."""
    if node is None:
        return ()
    return tuple(
        syntax.After(entry.key, transitions(form, entry.value) or _no_candidate(form, entry))
        for entry in entries(form, node, "`after`")
    )


def _no_candidate(form: Form, entry: Entry) -> tuple[syntax.Transition, ...]:
    if isinstance(entry.value, Scalar) and is_nothing(entry.value):
        missing(form, entry.value, f"`{entry.key}`", _EMPTY_HINT)
    return ()


def invokes(form: Form, node: Node | None) -> tuple[syntax.Invoke, ...]:
    """One `invoke` or a list."""
    return each(form, node, _invoke)


def _invoke(form: Form, node: Node) -> syntax.Invoke | None:
    keys = ("src", "machine", "id", "input", "onDone", "onError", "onSnapshot")
    others = {"effect": "the effect that a state waits for is written `src: name`"}
    if not isinstance(node, Mapping):
        wrong(form, node, "`invoke`", "a mapping", "write `invoke: { src: effect, … }`")
        return None
    found = mapping(form, node, "`invoke`", keys, others)
    span = node.entries[0].key.span if node.entries and not node.flow else span_of(form, node)
    source = literal(form, found["src"], "`src`") if "src" in found else None
    machine = literal(form, found["machine"], "`machine`") if "machine" in found else None
    if ("src" in found) == ("machine" in found):
        both = "src" in found
        message = "`src` and `machine` exclude each other" if both else "`invoke` needs a `src`"
        hint = None if both else "`src` names an effect of `effects:`"
        form.sink.error("PW108" if both else "PW102", message, span, "this invoke", hint)
        return None
    if source is not None and not name(form, source, "effect"):
        return None
    return syntax.Invoke(
        src=source,
        machine=machine,
        id=literal(form, found["id"], "`id`") if "id" in found else None,
        input=pairs(form, found.get("input"), "`input`"),
        on_done=transitions(form, found.get("onDone")),
        on_error=transitions(form, found.get("onError")),
        on_snapshot=transitions(form, found.get("onSnapshot")),
        span=span,
    )


def initial(form: Form, node: Node) -> syntax.Initial | None:
    """`initial: name`, or `{target, actions}`."""
    if not isinstance(node, Mapping):
        found = texts(form, node, "`initial`")
        return syntax.Initial(found, (), span_of(form, node)) if found else None
    keys = mapping(form, node, "`initial`", ("target", "actions"))
    if "target" not in keys:
        span = span_of(form, node)
        form.sink.error("PW102", "`initial` needs a `target`", span, "no `target`")
        return None
    found = targets(form, keys["target"]) or ()
    return syntax.Initial(found, actions(form, keys.get("actions")), span_of(form, node))
