"""`states` in the companion: who may read and send while one state is active.

`states: { kitchen.cooking: { authorize: … } }` names states by their paths, as `in_state` does.
"""

from dataclasses import replace

from pawlc import syntax
from pawlc.model.targets import join_path
from pawlc.parse.yaml.authorize import authorize
from pawlc.parse.yaml.nodes import Node
from pawlc.parse.yaml.shapes import Form, entries, mapping
from pawlc.parse.yaml.sink import Sink
from pawlc.parse.yaml.states import STATE_KEYS
from pawlc.source import Text
from pawlc.suggest import did_you_mean

Rules = tuple[tuple[Text, syntax.Authorize], ...]
_OTHERS = dict.fromkeys(STATE_KEYS, "all else of a state stands in the JSON file")


def rules(form: Form, node: Node | None) -> Rules:
    """The rules by the paths of their states."""
    if node is None:
        return ()
    found = ((e.key, _rule(form, e.key, e.value)) for e in entries(form, node, "`states`"))
    return tuple((path, rule) for path, rule in found if rule is not None)


def _rule(form: Form, path: Text, node: Node) -> syntax.Authorize | None:
    found = mapping(form, node, f"state `{path}`", ("authorize",), _OTHERS)
    return authorize(form, found["authorize"], True) if "authorize" in found else None


def ruled(root: syntax.State, given: Rules, sink: Sink) -> syntax.State:
    """The tree with the rules in their states; one for no state is reported."""
    missing = {path.value: path for path, _ in given}
    by_path = {path.value: rule for path, rule in given}
    known: list[str] = []

    def visit(state: syntax.State, path: str) -> syntax.State:
        missing.pop(path, None)
        known.append(path)
        children = tuple(visit(c, join_path(path, c.key.value)) for c in state.states)
        return replace(state, states=children, authorize=by_path.get(path))

    states = tuple(visit(child, join_path("", child.key.value)) for child in root.states)
    for path in missing.values():
        hint = did_you_mean(path.value, known) or "write the path of a state: `kitchen.cooking`"
        sink.error("PW280", f"the JSON has no state `{path}`", path.span, "no such state", hint)
    return replace(root, states=states)
