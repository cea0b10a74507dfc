"""Attributes and values: what an element may have, texts as SQL, the predicate `In`."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pawlc.diagnostics import Diagnostic, Severity
from pawlc.expr.literals import sql_json, sql_text
from pawlc.parse.scxml.family import Family
from pawlc.parse.scxml.reader import PAWL, SCXML, Element
from pawlc.parse.yaml.shapes import replaced
from pawlc.parse.yaml.sink import Sink
from pawlc.source import Position, Span, Text
from pawlc.suggest import did_you_mean

_IN = re.compile(
    r"""(?P<before>\A|[(,=]|\b(?:and|or|not|when|then|else)\b)(?P<blank>\s*)"""
    r"""In\s*\(\s*(?P<quote>['"])(?P<id>[^'"]*)(?P=quote)\s*\)""",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What holds for a whole document.

    `paths` leads from the id of a state to its path; `fields` are the declared data. Names that the
    document only uses, of `<foreach>` and `<script>`, are added to `made`; `documents` are the
    machines of documents that stand in the data, by the `id()` of the element around each.
    """

    sink: Sink
    paths: Mapping[str, str]
    fields: frozenset[str]
    null: bool
    late: bool
    root: Element
    family: Family
    made: dict[str, Text] = field(default_factory=dict)
    documents: dict[int, str] = field(default_factory=dict)


def attributes(
    reading: Reading, element: Element, known: Iterable[str], own: Iterable[str] = ()
) -> dict[str, Text]:
    """The attributes of an element; an unknown one of SCXML is an error.

    `own` are those in our namespace, given as `pawl:name`. Attributes of other namespaces and of
    no interest are left alone.
    """
    names = tuple(known)
    found: dict[str, Text] = {}
    for name, text in element.attributes.items():
        if name in names:
            found[name] = text
            continue
        hint = did_you_mean(name, names) or f"it may have {', '.join(names) or 'none'}"
        message = f"`<{element.name}>` has no attribute `{name}`"
        reading.sink.error("PW170", message, text.span, "unknown attribute", hint)
    for name in own:
        if f"{PAWL} {name}" in element.foreign:
            found[f"pawl:{name}"] = element.foreign[f"{PAWL} {name}"]
    return found


def children(reading: Reading, element: Element, known: Iterable[str]) -> tuple[Element, ...]:
    """The children in SCXML's namespace, or in none; those of other namespaces are left alone."""
    names = tuple(known)
    found = []
    for child in element.children:
        if child.space not in (SCXML, ""):
            continue
        if child.name in names:
            found.append(child)
            continue
        hint = did_you_mean(child.name, names)
        message = f"`<{child.name}>` cannot stand in `<{element.name}>`"
        reading.sink.error("PW170", message, child.span, "not here", hint)
    return tuple(found)


def wrong(reading: Reading, text: Text, message: str, hint: str | None = None) -> None:
    """Complain about the value of an attribute."""
    reading.sink.error("PW171", message, text.span, "this value", hint)


def warn(reading: Reading, message: str, at: Span, hint: str) -> None:
    """Say what will go wrong when it is executed."""
    found = Diagnostic(
        "PW172", message, at, "fails when it is executed", hint, severity=Severity.WARNING
    )
    reading.sink.add(found)


# --- values -----------------------------------------------------------------------------------


def expression(reading: Reading, text: Text) -> Text:
    """An expression as SQL: `In('s')` becomes `in_state('path')`, which SQL can parse.

    In the null datamodel nothing else is an expression.
    """
    value, jumps, position = "", list[tuple[int, Position]](), 0
    for match in _IN.finditer(text.value):
        path = reading.paths.get(match["id"])
        meant = f"in_state({sql_text(path)})" if path is not None else "false"
        value += text.value[position : match.start()] + match["before"] + match["blank"]
        jumps += [(at + len(value) - match.start(), p) for at, p in text.jumps if at < position]
        value += meant
        position = match.end()
        jumps.append((len(value), text.at(position).start))
    if not position:
        return text if not reading.null else _not_null(text)
    rest = value + text.value[position:]
    return Text(rest, text.span, text.starts, jumps=tuple(sorted(jumps)))


def _not_null(text: Text) -> Text:
    """Without data there is nothing to compute with: anything else fails when it is asked."""
    plain = text.value.strip().lower()
    return text if plain in ("true", "false") else replaced(text, "")


def constant(text: Text, value: str | None = None) -> Text:
    """A text as an SQL constant that stands where `text` stands."""
    return replaced(text, sql_text(text.value if value is None else value))


def inline(element: Element) -> Text | None:
    """What stands between an element's tags, as SQL: JSON, else XML or text with single blanks.

    W3C SCXML 5.10.1 leaves the conversion to the datamodel.
    """
    written = element.inner.strip()
    if not written:
        return None
    at = Text(written, element.span, (element.span.start,))
    if element.children:
        return replaced(at, sql_text(written))
    return value_of(at, element.text)


def value_of(at: Text, written: str) -> Text:
    """A text as SQL, at its place: JSON, else text with single blanks."""
    value = written.strip()
    try:
        json.loads(value)
    except ValueError:
        return replaced(at, sql_text(" ".join(value.split())))
    return replaced(at, sql_json(value))
