"""XML text to elements, every attribute and text with its position.

Expat reads; what it does not say, where an attribute's value stands, is looked up in the tag. A
document type is refused: it is the way to entities, which can be made to grow without end or to
read other files.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from pawlc.diagnostics import Diagnostic
from pawlc.source import Position, Span, Text

SCXML = "http://www.w3.org/2005/07/scxml"
PAWL = "https://pawl.dev/scxml"
"""The namespace of what W3C SCXML does not have: `pawl:type` of a `<data>`."""

_ATTRIBUTE = re.compile(r"""([^\s=/<>]+)\s*=\s*("[^"]*"|'[^']*')""")
_REFERENCE = re.compile(r"&(#x[0-9a-fA-F]+|#[0-9]+|lt|gt|amp|quot|apos);|\r\n?|[\n\t]")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}


@dataclass(slots=True)
class Element:
    """An element. `name` is local, `space` its namespace; `text` joins its character data.

    `attributes` are those without a prefix, `foreign` those of other namespaces as `uri name`.
    `inner` is what stands between its tags, as written.
    """

    space: str
    name: str
    span: Span
    attributes: dict[str, Text] = field(default_factory=dict)
    foreign: dict[str, Text] = field(default_factory=dict)
    children: list["Element"] = field(default_factory=list)
    text: str = ""
    inner: str = ""

    def named(self, *names: str) -> Iterator["Element"]:
        """The children with one of these names, in order."""
        return (child for child in self.children if child.name in names)


class _Lines:
    """From an offset of the text to a line and a column."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self._starts = [0, *(match.end() for match in re.finditer(r"\r\n?|\n", text))]

    def position(self, offset: int) -> Position:
        line = bisect_right(self._starts, offset)
        return Position(line, offset - self._starts[line - 1] + 1)

    def span(self, start: int, end: int) -> Span:
        return Span(self.file, self.position(start), self.position(end))


def read(text: str, file: str) -> tuple[Element | None, tuple[Diagnostic, ...]]:
    """The root element, or what is wrong with the XML."""
    building = _Building(text, file)
    try:
        building.parser.Parse(building.bytes, True)
    except expat.ExpatError as error:
        at = Position(max(1, error.lineno), error.offset + 1)
        span = Span(file, at, Position(at.line, at.column + 1))
        message = f"this is not XML: {expat.ErrorString(error.code)}"
        return None, (Diagnostic("PW070", message, span, "the reader stopped here"),)
    except _Refused as refused:
        return None, (refused.diagnostic,)
    return building.root, ()


class _Refused(Exception):
    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


class _Building:
    """The tree while expat walks over the text."""

    def __init__(self, text: str, file: str) -> None:
        self.source = text
        self.bytes = text.encode()
        self.lines = _Lines(text, file)
        self.root: Element | None = None
        self.open: list[tuple[Element, int]] = []
        self.ascii = len(self.bytes) == len(text)
        parser = expat.ParserCreate("utf-8", " ")
        parser.buffer_text = True
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.data
        parser.StartDoctypeDeclHandler = self.doctype
        self.parser = parser

    def here(self) -> int:
        """The offset of what expat is looking at, in characters."""
        index = self.parser.CurrentByteIndex
        return index if self.ascii else len(self.bytes[:index].decode())

    def doctype(self, *_: object) -> None:
        at = max(0, self.source.find("<!DOCTYPE"))
        raise _Refused(
            Diagnostic(
                "PW070",
                "a document type is not read",
                self.lines.span(at, at + len("<!DOCTYPE")),
                "not here",
                hint="leave it out: SCXML needs none, and entities could grow without end",
            )
        )

    def start(self, full: str, given: dict[str, str]) -> None:
        space, _, name = full.rpartition(" ")
        at = self.here()
        inside = self._tag_end(at)
        span = self.lines.span(at + 1, at + 1 + _length(self.source, at + 1))
        element = Element(space, name, span)
        written = {
            match[1]: (match.start(2) + 1, match.end(2) - 1)
            for match in _ATTRIBUTE.finditer(self.source, at, inside)
        }
        for attribute, value in given.items():
            owner, _, local = attribute.rpartition(" ")
            place = _place(written, local, prefixed=bool(owner))
            text = self._text(*place) if place else _at(value, span)
            (element.foreign if owner else element.attributes)[attribute if owner else local] = text
        if self.open:
            self.open[-1][0].children.append(element)
        else:
            self.root = element
        self.open.append((element, inside))

    def end(self, _: str) -> None:
        element, inside = self.open.pop()
        end = self.here()
        element.inner = self.source[inside:end] if end > inside else ""

    def data(self, text: str) -> None:
        if self.open:
            self.open[-1][0].text += text

    def _tag_end(self, start: int) -> int:
        """The offset behind the tag that begins at `start`; quotes may hold a `>`."""
        quote = ""
        for offset in range(start, len(self.source)):
            letter = self.source[offset]
            if quote:
                quote = "" if letter == quote else quote
            elif letter in "\"'":
                quote = letter
            elif letter == ">":
                return offset + 1
        return len(self.source)

    def _text(self, start: int, end: int) -> Text:
        """An attribute's value: references and line breaks become one character each."""
        value, jumps, position = "", [], start
        for match in _REFERENCE.finditer(self.source, start, end):
            value += self.source[position : match.start()] + _meant(match[0])
            position = match.end()
            jumps.append((len(value), self.lines.position(position)))
        value += self.source[position:end]
        return Text(
            value,
            self.lines.span(start, max(end, start + 1)),
            (self.lines.position(start),),
            quoted=False,
            jumps=tuple(jumps),
        )


def _length(text: str, start: int) -> int:
    found = re.compile(r"[^\s/>]*").match(text, start)
    return len(found[0]) if found else 1


def _place(
    written: dict[str, tuple[int, int]], local: str, prefixed: bool
) -> tuple[int, int] | None:
    for name, place in written.items():
        if name == local if not prefixed else name.endswith(f":{local}"):
            return place
    return None


def _meant(reference: str) -> str:
    """
    >>> _meant("&lt;"), _meant("&#65;"), _meant("&#x41;")
    ('<', 'A', 'A')
    """
    if not reference.startswith("&"):
        return " "
    name = reference[1:-1]
    if name.startswith("#x"):
        return chr(int(name[2:], 16))
    return chr(int(name[1:])) if name.startswith("#") else _NAMED[name]


def _at(value: str, span: Span) -> Text:
    return Text(value, span, (span.start,))
