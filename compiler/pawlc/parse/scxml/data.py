"""The datamodel: fields of the context, and the executable content that gives them values.

A field is jsonb, unless its first value is a number, a text or a boolean as written and no other
constant is assigned to it, or `pawl:type` says otherwise. Early binding: every `<data>` is a block
of its own in the entry of the root, in document order, so that an error leaves one field without a
value and is an event. Late binding: in the entry of its state, the first time.
"""

import re

from pawlc import syntax
from pawlc.expr.literals import text_of
from pawlc.parse.scxml.family import local
from pawlc.parse.scxml.reader import Element
from pawlc.parse.scxml.shapes import (
    Reading,
    attributes,
    children,
    constant,
    expression,
    inline,
    value_of,
    warn,
)
from pawlc.parse.yaml.shapes import replaced
from pawlc.source import Text

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")


def columns(root: Element) -> dict[str, syntax.Column]:
    """The declared fields of a document, in order; the first declaration of a name counts."""
    found: dict[str, syntax.Column] = {}
    assigned = _assigned(root)
    for element in _everywhere(root):
        name = element.attributes.get("id")
        if name is not None:
            type = _type(element, assigned.get(name.value, set()))
            found.setdefault(name.value, syntax.Column(name, replaced(name, type)))
    return found


def _assigned(element: Element) -> dict[str, set[str]]:
    """The types of the constants that are assigned to each name; between tags stands JSON."""
    found: dict[str, set[str]] = {}
    for child in element.children:
        if child.name == "assign" and "location" in child.attributes:
            value = child.attributes.get("expr")
            type = _constant(value.value) if value is not None else "jsonb"
            if type is not None:
                found.setdefault(child.attributes["location"].value, set()).add(type)
        elif child.name != "content":
            for name, types in _assigned(child).items():
                found.setdefault(name, set()).update(types)
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


def _type(element: Element, assigned: set[str]) -> str:
    """As `pawl:type` says, else that of its first value, if no constant of another is assigned."""
    for name, text in element.foreign.items():
        if name.endswith(" type"):
            return text.value
    written = element.attributes.get("expr")
    type = _constant(written.value) if written is not None else None
    return type if type is not None and assigned <= {type} else "jsonb"


def _constant(written: str) -> str | None:
    """The type of a number, a boolean or a text as written; None for anything else.

    >>> _constant("1.5"), _constant("true"), _constant("'a'"), _constant("a + 1")
    ('numeric', 'boolean', 'text', None)
    """
    value = written.strip()
    if _NUMBER.fullmatch(value):
        return "numeric"
    if value in ("true", "false"):
        return "boolean"
    return None if text_of(value) is None else "text"


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
    if name is None:
        reading.sink.error("PW171", "`<data>` needs an `id`", element.span, "which one?")
        return None
    assigned: syntax.Action
    if "src" in found:
        assigned = _fetched(reading, name, found["src"])
    else:
        value = expression(reading, found["expr"]) if "expr" in found else inline(element)
        if value is None:
            return None
        assigned = syntax.Assign((syntax.Pair(name, value),), name.span)
    if given:
        unset = replaced(name, f'"{name}" is null')
        assigned = syntax.If(((unset, (assigned,)),), name.span)
    return syntax.Block((assigned,), name.span)


def _fetched(reading: Reading, name: Text, address: Text) -> syntax.Action:
    """The value in a file beside the definition; without it there is none (W3C SCXML 5.3)."""
    text = reading.family.files.get(local(address.value) or "")
    if text is None:
        message = f"there is no `{address}` beside the definition"
        warn(reading, message, address.span, "the data have no value then: `error.execution`")
        return syntax.Fail(message.replace("`", ""), False, address.span)
    is_xml = text.lstrip().startswith("<")
    value = constant(address, text.strip()) if is_xml else value_of(address, text)
    return syntax.Assign((syntax.Pair(name, value),), name.span)


def check(reading: Reading, element: Element) -> None:
    """Complain about what a `<datamodel>` may not hold."""
    attributes(reading, element, ())
    children(reading, element, ("data",))
