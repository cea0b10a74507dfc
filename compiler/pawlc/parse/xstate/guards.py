"""Guards: a name, `{type, params}`, an expression, and the combinators.

Combinators are functions in XState; in JSON one is written as XState shows it:
`{"type": "and", "guards": […]}`, `{"type": "not", "guards": […]}`,
`{"type": "stateIn", "stateValue": …}`, each also with `xstate.` before its name. A guard of the
companion that is called `and` comes first.
"""

from collections.abc import Iterator
from typing import Literal

from pawlc import syntax
from pawlc.expr.literals import sql_text
from pawlc.model.targets import join_path
from pawlc.parse.xstate.shapes import (
    Import,
    as_json,
    is_expression,
    items,
    reference,
    value,
)
from pawlc.parse.yaml.nodes import Mapping, Node, Scalar
from pawlc.parse.yaml.shapes import replaced, wrong
from pawlc.source import Text

_ALLOWED = "a name, an object with a `type`, or `{{ … }}`"


def guard(reading: Import, node: Node) -> syntax.Guard | None:
    """One guard."""
    match node:
        case Scalar() if not node.plain:
            if is_expression(node):
                return value(reading, node)
            return syntax.NamedRef(node.text)
        case Mapping():
            return _object(reading, node)
        case _:
            wrong(reading.form, node, "a guard", _ALLOWED)
            return None


def _object(reading: Import, node: Mapping) -> syntax.Guard | None:
    named = node.get("type")
    if not isinstance(named, Scalar) or named.plain:
        where = node if named is None else named
        wrong(reading.form, where, "a guard", _ALLOWED, "functions cannot be in JSON")
        return None
    match named.text.value.removeprefix("xstate."):
        case _ if named.text.value in reading.guards:
            pass
        case "and" | "or" | "not" as operator:
            return _combined(reading, node, operator)
        case "stateIn":
            return _state_in(reading, node, named.text)
        case _:
            pass
    return reference(reading, "guard", named.text, node.get("params"))


def _combined(
    reading: Import, node: Mapping, operator: Literal["and", "or", "not"]
) -> syntax.Guard | None:
    inside = _argument(node, "guards", "guard", "children")
    found = tuple(guard(reading, each) for each in items(inside))
    kept = tuple(one for one in found if one is not None)
    if len(kept) < len(found):
        return None
    if not kept or (operator == "not" and len(kept) > 1):
        wanted = "one guard" if operator == "not" else "a list of guards"
        message = f"`{operator}` needs {wanted}"
        hint = f'write `{{"type": "{operator}", "guards": […]}}`'
        reading.form.sink.error("PW102", message, node.span, f"expected {wanted}", hint)
        return None
    return syntax.Combined(operator, kept, node.span)


def _argument(node: Mapping, *keys: str) -> Node | None:
    """An argument beside `type`, or inside `params`."""
    params = node.get("params")
    for place in (node, params):
        if isinstance(place, Mapping):
            for key in keys:
                if (found := place.get(key)) is not None:
                    return found
    return None


def _state_in(reading: Import, node: Mapping, named: Text) -> syntax.Guard | None:
    """The state's path, `#id`, or a value such as `{"p": {"a": "a1"}}`, as `in_state`."""
    wanted = _argument(node, "stateValue", "state", "value", "id")
    if wanted is None:
        hint = 'write `{"type": "stateIn", "stateValue": "path.of.the.state"}`'
        message = "`stateIn` needs the state that it asks for"
        reading.form.sink.error("PW102", message, node.span, "no state", hint)
        return None
    return state_in(reading, wanted, named)


def state_in(reading: Import, node: Node, place: Text) -> Text:
    """The condition that a state value holds; it stands where `node` does, or at `place`."""
    paths = tuple(_paths(reading, node, ""))
    where = node.text if isinstance(node, Scalar) else place
    return replaced(where, " and ".join(f"in_state({sql_text(path)})" for path in paths) or "true")


def _paths(reading: Import, node: Node, above: str) -> Iterator[str]:
    """The paths that a state value names, its innermost states only."""
    match node:
        case Scalar() if node.text.value.startswith("#") and not above:
            yield reading.names.path(node.text.value[1:])
        case Scalar() if not node.plain:
            yield f"{above}.{node.text.value}" if above else node.text.value
        case Mapping() if not node.entries and above:
            yield above
        case Mapping():
            for entry in node.entries:
                yield from _paths(reading, entry.value, join_path(above, entry.key.value))
        case _:
            wrong(reading.form, node, "a state", "a path or an object", f"not {as_json(node)}")
