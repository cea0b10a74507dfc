"""Executable content (W3C SCXML 4): elements to actions."""

import re
from collections.abc import Iterator

from pawlc import syntax
from pawlc.expr.literals import TEXT
from pawlc.parse.scxml.family import local
from pawlc.parse.scxml.reader import Element
from pawlc.parse.scxml.shapes import (
    Reading,
    attributes,
    children,
    constant,
    expression,
    inline,
    wrong,
)
from pawlc.parse.yaml.shapes import replaced
from pawlc.source import Text

CONTENT = ("raise", "if", "foreach", "log", "assign", "script", "send", "cancel")
_SEND = (
    "event",
    "eventexpr",
    "target",
    "targetexpr",
    "type",
    "typeexpr",
    "id",
    "idlocation",
    "delay",
    "delayexpr",
    "namelist",
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STATEMENT = re.compile(
    r'\s*(?:var\s+|let\s+)?"?([A-Za-z][A-Za-z0-9_]*)"?\s*:?=(?!=)(.*)', re.DOTALL
)
_DELAY = re.compile(r"\s*\+?([0-9]*\.?[0-9]+)\s*(ms|s|m|h|d)?\s*", re.IGNORECASE)
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def block(reading: Reading, element: Element) -> tuple[syntax.Block, ...]:
    """The content of `<onentry>`, `<onexit>` or `<transition>` as one block."""
    found = actions(reading, element)
    return (syntax.Block(found, element.span),) if found else ()


def actions(reading: Reading, element: Element) -> tuple[syntax.Action, ...]:
    """The executable content of an element."""
    inside = children(reading, element, CONTENT)
    return tuple(action for child in inside for action in action_of(reading, child))


def action_of(reading: Reading, element: Element) -> Iterator[syntax.Action]:
    """One element of executable content; one that is wrong is left out."""
    match element.name:
        case "raise":
            name = _needed(reading, element, ("event",), "event")
            if name is not None:
                yield _raise(name, element)
        case "if":
            yield _if(reading, element)
        case "foreach":
            yield from _foreach(reading, element)
        case "log":
            found = attributes(reading, element, ("label", "expr"))
            yield syntax.Log(_line(reading, found, element), element.span)
        case "assign":
            yield from _assign(reading, element)
        case "script":
            yield from script(reading, element)
        case "send":
            yield _send(reading, element)
        case "cancel":
            yield from _cancel(reading, element)
        case _:
            return


def _needed(reading: Reading, element: Element, known: tuple[str, ...], name: str) -> Text | None:
    found = attributes(reading, element, known)
    if name not in found:
        message = f"`<{element.name}>` needs the attribute `{name}`"
        reading.sink.error("PW171", message, element.span, "incomplete")
    return found.get(name)


def _raise(name: Text, element: Element) -> syntax.SessionSend:
    internal = replaced(name, "'#_internal'")
    return syntax.SessionSend(
        name, None, internal, None, None, None, None, (), None, element.span, raised=True
    )


def _if(reading: Reading, element: Element) -> syntax.If:
    """`<elseif>` and `<else>` have no content of their own: they part the children of `<if>`."""
    condition = _needed(reading, element, ("cond",), "cond")
    first = expression(reading, condition) if condition is not None else None
    branches: list[tuple[Text | None, list[syntax.Action]]] = [(first, [])]
    for child in children(reading, element, (*CONTENT, "elseif", "else")):
        if child.name == "elseif":
            asked = _needed(reading, child, ("cond",), "cond")
            branches.append((expression(reading, asked) if asked is not None else None, []))
        elif child.name == "else":
            attributes(reading, child, ())
            branches.append((None, []))
        else:
            branches[-1][1].extend(action_of(reading, child))
    return syntax.If(tuple((asked, tuple(found)) for asked, found in branches), element.span)


def _foreach(reading: Reading, element: Element) -> Iterator[syntax.Action]:
    found = attributes(reading, element, ("array", "item", "index"))
    for name in ("array", "item"):
        if name not in found:
            message = f"`<foreach>` needs the attribute `{name}`"
            reading.sink.error("PW171", message, element.span, "incomplete")
            return
    names = [found[name] for name in ("item", "index") if name in found]
    for written in names:
        if _NAME.fullmatch(written.value) and not written.value.startswith("_"):
            declare(reading, written)
    yield syntax.ForEach(
        expression(reading, found["array"]),
        found["item"],
        found.get("index"),
        actions(reading, element),
        element.span,
    )


def declare(reading: Reading, name: Text) -> None:
    """Make a field of a name that content uses without declaring it (W3C SCXML 4.6)."""
    if name.value not in reading.fields:
        reading.made.setdefault(name.value, name)


def _line(reading: Reading, found: dict[str, Text], element: Element) -> Text:
    label, value = found.get("label"), found.get("expr")
    if value is None:
        return constant(label) if label is not None else replaced(_here(element), "''")
    asked = expression(reading, value)
    return asked if label is None else _labelled(label, asked)


def _labelled(label: Text, value: Text) -> Text:
    """`concat`, which an unset value leaves as it is; the label stands before the value."""
    before = f"concat({constant(label).value}, ': ', "
    jumps = ((len(before), value.at(0).start), *((at + len(before), p) for at, p in value.jumps))
    return Text(f"{before}{value.value})", value.span, value.starts, jumps=jumps)


def _here(element: Element) -> Text:
    return Text("", element.span, (element.span.start,))


def _assign(reading: Reading, element: Element) -> Iterator[syntax.Action]:
    found = attributes(reading, element, ("location", "expr"))
    location = found.get("location")
    if location is None:
        message = "`<assign>` needs the attribute `location`"
        reading.sink.error("PW171", message, element.span, "incomplete")
        return
    value = expression(reading, found["expr"]) if "expr" in found else inline(element)
    pair = syntax.Pair(location, value if value is not None else replaced(location, "null"))
    yield syntax.Assign((pair,), element.span)


def script(reading: Reading, element: Element) -> Iterator[syntax.Action]:
    """`name := value` statements, one for each `;`; a name that is new becomes a field.

    A document whose script cannot be had is refused (W3C SCXML 5.8).
    """
    found = attributes(reading, element, ("src",))
    written = element.text
    if "src" in found:
        file = reading.family.files.get(local(found["src"].value) or "")
        if file is None:
            message = f"there is no `{found['src']}` beside the definition"
            wrong(reading, found["src"], message, "write its assignments between the tags")
            return
        written = file
    for statement in _statements(written):
        match = _STATEMENT.fullmatch(statement)
        here = _here(element)
        if match is None:
            message = f"`{' '.join(statement.split())}` is no assignment"
            hint = "a script is `name := value;` with the value in SQL"
            reading.sink.error("PW171", message, element.span, "this script", hint)
            continue
        name = replaced(here, match[1])
        declare(reading, name)
        value = expression(reading, replaced(here, match[2].strip()))
        yield syntax.Assign((syntax.Pair(name, value),), element.span)


def _statements(text: str) -> list[str]:
    """The statements of a script; a semicolon inside quotes is none.

    >>> _statements("a := 'x;y'; b := 1;")
    ["a := 'x;y'", ' b := 1']
    """
    parts = re.findall(rf"(?:{TEXT}|[^;'])+", text)
    return [part for part in parts if part.strip()]


def _send(reading: Reading, element: Element) -> syntax.SessionSend:
    found = attributes(reading, element, _SEND)
    data, content = payload(reading, element, found.get("namelist"))
    return syntax.SessionSend(
        name=found.get("event"),
        event=expression(reading, found["eventexpr"]) if "eventexpr" in found else None,
        target=_either(reading, found, "target"),
        type=_either(reading, found, "type"),
        id=constant(found["id"]) if "id" in found else None,
        idlocation=found.get("idlocation"),
        delay=_delay(reading, found),
        data=data,
        content=content,
        span=element.span,
    )


def _either(reading: Reading, found: dict[str, Text], name: str) -> Text | None:
    """An attribute that is written out, or computed by its `…expr`."""
    if name in found:
        return constant(found[name])
    return expression(reading, found[f"{name}expr"]) if f"{name}expr" in found else None


def payload(
    reading: Reading, element: Element, namelist: Text | None, besides: tuple[str, ...] = ()
) -> tuple[tuple[syntax.Pair, ...], Text | None]:
    """`namelist` and `<param>` as pairs, or the value of `<content>`."""
    pairs = [syntax.Pair(name, name) for name in words(namelist)]
    content = None
    for child in children(reading, element, ("param", "content", *besides)):
        if child.name == "param":
            pair = _param(reading, child)
            pairs += [pair] if pair else []
        elif child.name not in besides:
            given = attributes(reading, child, ("expr",))
            content = expression(reading, given["expr"]) if "expr" in given else inline(child)
    return tuple(pairs), content


def _param(reading: Reading, element: Element) -> syntax.Pair | None:
    found = attributes(reading, element, ("name", "expr", "location"))
    name, value = found.get("name"), found.get("expr") or found.get("location")
    if name is None or value is None:
        message = "`<param>` needs a `name` and an `expr` or `location`"
        reading.sink.error("PW171", message, element.span, "incomplete")
        return None
    return syntax.Pair(name, expression(reading, value))


def words(text: Text | None) -> tuple[Text, ...]:
    """The words of an attribute that lists names, each where it stands."""
    if text is None:
        return ()
    return tuple(
        Text(match[0], text.at(match.start(), len(match[0])), (text.at(match.start()).start,))
        for match in re.finditer(r"\S+", text.value)
    )


def _delay(reading: Reading, found: dict[str, Text]) -> Text | None:
    """A CSS2 time as an interval, or an expression that gives one; none is at once."""
    if "delayexpr" in found:
        return expression(reading, found["delayexpr"])
    if "delay" not in found:
        return None
    match = _DELAY.fullmatch(found["delay"].value)
    if match is None:
        hint = "write `1.5s` or `300ms`"
        wrong(reading, found["delay"], f"`{found['delay']}` is no delay", hint)
        return None
    if float(match[1]) == 0:
        return None
    unit = _UNITS[(match[2] or "ms").lower()]
    return replaced(found["delay"], f"'{match[1]} {unit}'")


def _cancel(reading: Reading, element: Element) -> Iterator[syntax.Action]:
    found = attributes(reading, element, ("sendid", "sendidexpr"))
    id = _either(reading, found, "sendid")
    if id is None:
        message = "`<cancel>` needs `sendid` or `sendidexpr`"
        reading.sink.error("PW171", message, element.span, "incomplete")
        return
    yield syntax.CancelSend(id, element.span)
