"""`<invoke>` (W3C SCXML 6.4): sessions that a state begins and ends.

What is invoked is known from the document where it can be: `<content>`, a file, `machine:name`.
"""

import re

from pawlc import syntax
from pawlc.expr.literals import text_of
from pawlc.parse.scxml.content import actions, payload, words
from pawlc.parse.scxml.family import constants, is_document, local
from pawlc.parse.scxml.reader import Element
from pawlc.parse.scxml.shapes import (
    Reading,
    attributes,
    children,
    constant,
    expression,
    warn,
    wrong,
)
from pawlc.parse.yaml.shapes import replaced
from pawlc.source import Text

_ATTRIBUTES = (
    "type",
    "typeexpr",
    "src",
    "srcexpr",
    "id",
    "idlocation",
    "namelist",
    "autoforward",
)
TYPES = ("", "scxml", "http://www.w3.org/TR/scxml", "http://www.w3.org/TR/scxml/")
_MACHINE = re.compile(r"\s*machine:([A-Za-z][A-Za-z0-9_-]*)\s*")


def invokes(reading: Reading, state: Element, key: str) -> tuple[syntax.Invoke, ...]:
    """The invokes of a state; those without an id are counted."""
    found, number = [], 0
    for element in state.named("invoke"):
        number += "id" not in element.attributes
        found.append(_invoke(reading, element, f"{key}.{number}"))
    return tuple(found)


def _invoke(reading: Reading, element: Element, generated: str) -> syntax.Invoke:
    found = attributes(reading, element, _ATTRIBUTES)
    inside = children(reading, element, ("param", "content", "finalize"))
    at = Text("", element.span, (element.span.start,))
    id = found.get("id") or replaced(at, generated)
    content = next((child for child in inside if child.name == "content"), None)
    given, _ = payload(reading, element, found.get("namelist"), besides=("content", "finalize"))
    machine, source, documents = _invoked(reading, element, found, content, id.value)
    fails = None
    if machine is None and source is None:
        fails = _missing(reading, element, found)
    session = syntax.Session(
        type=_type(reading, found),
        source=source,
        documents=documents,
        files=_files(reading, reading.root) if "srcexpr" in found else (),
        is_family=documents is not None or machine in reading.family.taken,
        idlocation=found.get("idlocation"),
        forwards=_forwards(reading, found.get("autoforward")),
        finalize=_finalize(reading, element, found.get("namelist")),
        fails=fails,
    )
    named = replaced(at, machine or "")
    return syntax.Invoke(None, named, id, given, (), (), (), element.span, session)


def _type(reading: Reading, found: dict[str, Text]) -> Text | None:
    if "typeexpr" in found:
        return expression(reading, found["typeexpr"])
    written = found.get("type")
    if written is None or written.value.strip() in TYPES:
        return None
    message = f"nothing of the type `{written}` can be invoked"
    warn(reading, message, written.span, "`scxml` can; this is `error.execution`")
    return constant(written)


_Invoked = tuple[str | None, Text | None, tuple[tuple[str, str], ...] | None]


def _invoked(
    reading: Reading, element: Element, found: dict[str, Text], content: Element | None, id: str
) -> _Invoked:
    """The machine, or what computes it, and the documents that it can be."""
    if content is not None:
        return _content(reading, content, id)
    if "srcexpr" in found:
        return None, expression(reading, found["srcexpr"]), None
    if "src" not in found:
        return None, None, None
    if (match := _MACHINE.fullmatch(found["src"].value)) is not None:
        return match[1], None, None
    file = local(found["src"].value)
    return (reading.family.invoked(file) if file is not None else None), None, None


def _files(reading: Reading, element: Element) -> tuple[tuple[str, str], ...]:
    """The files beside the definition that an expression of the document may name."""
    found = [
        (address, machine)
        for address in constants(element)
        if (machine := reading.family.invoked(local(address) or "")) is not None
    ]
    found += [pair for child in element.children for pair in _files(reading, child)]
    return tuple(dict.fromkeys(found))


def _content(reading: Reading, content: Element, id: str) -> _Invoked:
    family, file = reading.family, content.span.file
    given = attributes(reading, content, ("expr",))
    for child in content.children:
        if is_document(child):
            return family.document(child, id, file), None, None
    written = content.text.strip()
    if "expr" in given:
        constant = text_of(given["expr"].value.strip())
        if constant is None:
            return None, expression(reading, given["expr"]), _documents(reading)
        written = constant
    name = family.text(written, id, f"{file}:{content.span.start.line}")
    return name, None, None


def _documents(reading: Reading) -> tuple[tuple[str, str], ...]:
    """The documents that can be the value of an expression: those that stand in the data."""
    found: list[tuple[str, str]] = []
    for holder in _holders(reading.root):
        known = reading.documents.get(id(holder))
        if known is None:
            named = holder.attributes.get("id") or holder.attributes.get("location")
            (document,) = filter(is_document, holder.children)
            what = named.value if named is not None else "document"
            known = reading.family.document(document, what, holder.span.file)
            reading.documents[id(holder)] = known
        found.append((holder.inner.strip(), known))
    return tuple(found)


def _holders(element: Element) -> list[Element]:
    """Every `<data>` and `<assign>` whose value is a document, but none inside `<content>`."""
    found: list[Element] = []
    for child in element.children:
        if child.name in ("data", "assign"):
            found += [child] if len(list(filter(is_document, child.children))) == 1 else []
        elif child.name != "content":
            found += _holders(child)
    return found


def _missing(reading: Reading, element: Element, found: dict[str, Text]) -> syntax.Fail:
    """What cannot be had when the definition is compiled is not there when it runs."""
    if "src" in found:
        what, at = f"there is no `{found['src']}` beside the definition", found["src"].span
    else:
        what, at = "this invokes no document", element.span
    warn(reading, what, at, "the invocation is `error.communication`")
    return syntax.Fail(what.replace("`", ""), True, element.span)


def _forwards(reading: Reading, written: Text | None) -> bool:
    if written is not None and written.value not in ("true", "false"):
        wrong(reading, written, f"`{written}` is no boolean", "`true` or `false`")
    return written is not None and written.value == "true"


def _finalize(
    reading: Reading, element: Element, namelist: Text | None
) -> tuple[syntax.Action, ...]:
    """Its content; of an empty one the places of `namelist` and `<param>` are set (6.5)."""
    handler = next(element.named("finalize"), None)
    if handler is None:
        return ()
    attributes(reading, handler, ())
    found = actions(reading, handler)
    if not handler.children:
        found = tuple(_taken(name, place) for name, place in _places(element, namelist))
    return (syntax.Block(found, handler.span),) if found else ()


def _places(element: Element, namelist: Text | None) -> list[tuple[Text, Text]]:
    """What the child may answer, and where it goes."""
    listed = () if namelist is None else words(namelist)
    pairs = [(name, name) for name in listed]
    for param in element.named("param"):
        given = param.attributes
        if "name" in given and "location" in given:
            pairs.append((given["name"], given["location"]))
    return pairs


def _taken(name: Text, place: Text) -> syntax.Action:
    answered = f"_event.data -> {constant(name).value}"
    assigned = syntax.Assign((syntax.Pair(place, replaced(place, answered)),), place.span)
    return syntax.If(((replaced(place, f"({answered}) is not null"), (assigned,)),), place.span)
