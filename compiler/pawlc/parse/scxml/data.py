"""The datamodel: fields of the context, and the executable content that gives them values.

A field is jsonb, unless its first value is a number, a text or a boolean as written, or `pawl:type`
says otherwise. Early binding: every `<data>` is a block of its own in the entry of the root, in
document order, so that an error leaves one field without a value and is an event. Late binding: in
the entry of its state, the first time.
"""

import re

from pawlc import syntax
from pawlc.parse.scxml.reader import Element
from pawlc.parse.scxml.shapes import Reading, attributes, children, expression, inline, unbuilt
from pawlc.parse.yaml.shapes import replaced
from pawlc.source import Text

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_TEXT = re.compile(r"'(?:[^']|'')*'")


def columns(root: Element) -> dict[str, syntax.Column]:
    """The declared fields of a document, in order; the first declaration of a name counts."""
    found: dict[str, syntax.Column] = {}
    for element in _everywhere(root):
        name = element.attributes.get("id")
        if name is not None:
            found.setdefault(name.value, syntax.Column(name, replaced(name, _type(element))))
    return found


def _everywhere(element: Element) -> list[Element]:
    """Every `<data>`, but none of a document inside `<content>`."""
    found: list[Element] = []
    for child in element.children:
        if child.name == "datamodel":
            found += child.named("data")
        elif child.name in ("state", "parallel"):
            found += _everywhere(child)
    return found


def _type(element: Element) -> str:
    for name, text in element.foreign.items():
        if name.endswith(" type"):
            return text.value
    written = element.attributes.get("expr")
    value = written.value.strip() if written else ""
    if _NUMBER.fullmatch(value):
        return "numeric"
    if value in ("true", "false"):
        return "boolean"
    return "text" if _TEXT.fullmatch(value) else "jsonb"


def early(reading: Reading, root: Element) -> tuple[syntax.Block, ...]:
    """What the entry of the root does for the data that is bound early.

    What was given on creation stays.
    """
    top = {id(data) for model in root.named("datamodel") for data in model.children}
    found = []
    for element in _everywhere(root):
        own = id(element) in top
        if own or not reading.late:
            block = _bound(reading, element, given=own)
            found += [block] if block else []
    return tuple(found)


def late(reading: Reading, state: Element, flag: Text) -> tuple[syntax.Action, ...]:
    """What the entry of a state does for its own data when that is bound late."""
    if not reading.late:
        return ()
    elements = [d for model in state.named("datamodel") for d in model.named("data")]
    blocks = tuple(b for d in elements if (b := _bound(reading, d, given=False)))
    if not blocks:
        return ()
    once = syntax.Assign((syntax.Pair(flag, replaced(flag, "true")),), flag.span)
    first = replaced(flag, f'"{flag}" is null')
    reading.made.setdefault(flag.value, flag)
    return (syntax.If(((first, (once, *blocks)),), flag.span),)


def _bound(reading: Reading, element: Element, given: bool) -> syntax.Block | None:
    found = attributes(reading, element, ("id", "src", "expr"), ("type",))
    name = found.get("id")
    if "src" in found:
        unbuilt(reading, element, "`<data src>`", "write the value between the tags")
    if name is None:
        reading.sink.error("PW171", "`<data>` needs an `id`", element.span, "which one?")
        return None
    value = expression(reading, found["expr"]) if "expr" in found else inline(element)
    if value is None:
        return None
    assigned: syntax.Action = syntax.Assign((syntax.Pair(name, value),), name.span)
    if given:
        unset = replaced(name, f'"{name}" is null')
        assigned = syntax.If(((unset, (assigned,)),), name.span)
    return syntax.Block((assigned,), name.span)


def check(reading: Reading, element: Element) -> None:
    """Complain about what a `<datamodel>` may not hold."""
    attributes(reading, element, ())
    children(reading, element, ("data",))
