"""State nodes, the root among them."""

from collections.abc import Mapping as Dict

from pawlc import syntax
from pawlc.parse.yaml.actions import actions
from pawlc.parse.yaml.authorize import authorize
from pawlc.parse.yaml.nodes import Mapping, Node, Scalar
from pawlc.parse.yaml.shapes import (
    Form,
    as_json,
    entries,
    is_nothing,
    literal,
    mapping,
    name,
    pairs,
    sql,
    texts,
    wrong,
)
from pawlc.parse.yaml.transitions import (
    delayed,
    handlers,
    initial,
    invokes,
    targets,
    transitions,
)
from pawlc.source import Span, Text
from pawlc.suggest import did_you_mean

# The keys of every state node, the root included.
NODE_KEYS = (
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
    "tags",
    "meta",
    "description",
)
STATE_KEYS = (*NODE_KEYS, "authorize", "history", "target")
OTHERS = {
    "onEntry": "XState v5 and Pawl call it `entry`",
    "onExit": "XState v5 and Pawl call it `exit`",
    "activities": "XState v5 and Pawl call it `invoke`",
    "data": "XState v5 and Pawl call it `output`",
    "onError": "`onError` belongs inside `invoke`",
    "guard": "a guard belongs to a transition",
    "assign": "write `entry: { assign: … }`, or assign in a transition",
    "parallel": "write `type: parallel`",
    "final": "write `type: final`",
    "effect": "write `entry: { effect: name }`",
}
_TYPES = ("atomic", "compound", "parallel", "final", "history")


def states(form: Form, node: Node | None) -> tuple[syntax.State, ...]:
    """The states under `states`."""
    if node is None:
        return ()
    found = []
    for entry in entries(form, node, "`states`"):
        if name(form, entry.key, "state"):
            found.append(_state(form, entry.key, entry.value))
    return tuple(found)


def _state(form: Form, key: Text, node: Node) -> syntax.State:
    if is_nothing(node):
        return state(form, key, {}, key.span)
    if not isinstance(node, Mapping):
        hint = "write `{}` for a state without keys"
        wrong(form, node, f"state `{key}`", "a mapping", hint)
        return state(form, key, {}, key.span)
    found = mapping(form, node, f"state `{key}`", STATE_KEYS, OTHERS)
    return state(form, key, found, key.span)


def state(form: Form, key: Text, found: Dict[str, Node], span: Span) -> syntax.State:
    """A state node from its keys; `span` is where it is named."""
    return syntax.State(
        key=key,
        type=_type(form, found.get("type")),
        id=_text(form, found, "id"),
        initial=initial(form, found["initial"]) if "initial" in found else None,
        states=states(form, found.get("states")),
        on=handlers(form, found.get("on")),
        after=delayed(form, found.get("after")),
        always=transitions(form, found.get("always")),
        on_done=transitions(form, found.get("onDone")),
        entry=actions(form, found.get("entry")),
        exit=actions(form, found.get("exit")),
        invoke=invokes(form, found.get("invoke")),
        output=output(form, found.get("output")),
        authorize=authorize(form, found["authorize"], True) if "authorize" in found else None,
        history=_history(form, found.get("history")),
        target=targets(form, found["target"]) if "target" in found else None,
        tags=texts(form, found.get("tags"), "a tag"),
        meta=as_json(found["meta"]) if "meta" in found else None,
        description=_text(form, found, "description"),
        span=span,
    )


def output(form: Form, node: Node | None) -> tuple[syntax.Pair, ...] | Text | None:
    """An expression, or names with an expression each."""
    if node is None:
        return None
    return (
        pairs(form, node, "`output`") if isinstance(node, Mapping) else sql(form, node, "`output`")
    )


def _text(form: Form, found: Dict[str, Node], key: str) -> Text | None:
    return literal(form, found[key], f"`{key}`") if key in found else None


def _type(form: Form, node: Node | None) -> Text | None:
    if node is None:
        return None
    found = literal(form, node, "`type`")
    if found is None or found.value in _TYPES:
        return found
    hint = did_you_mean(found.value, _TYPES) or "one of " + ", ".join(f"`{t}`" for t in _TYPES)
    form.sink.error("PW107", f"no state is of type `{found}`", found.span, "unknown type", hint)
    return None


def _history(form: Form, node: Node | None) -> Text | None:
    if node is None:
        return None
    if isinstance(node, Scalar) and node.text.value in ("shallow", "deep"):
        return node.text
    wrong(form, node, "`history`", "`shallow` or `deep`")
    return None
