"""JSON text to positioned nodes, the same ones that YAML gives (`parse.yaml.nodes`).

Not the reader of YAML, though JSON is YAML: an escaped emoji is two escapes in JSON and none in
YAML, and a machine of a thousand states is read in a tenth of the time. Bad syntax ends the
reading; a key that is written twice is reported and read on.
"""

import json
import re
from typing import NoReturn

from pawlc.parse.yaml.nodes import Entry, Mapping, Node, Scalar, Sequence
from pawlc.parse.yaml.scalars import Source
from pawlc.parse.yaml.sink import Sink
from pawlc.source import Position, Span, Text

MAX_DEPTH = 200
_TOKEN = re.compile(
    r"""[ \t\n\r]*(?:
    (?P<string>"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")
  | (?P<literal>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?![0-9A-Za-z_.])
    | true\b|false\b|null\b)
  | (?P<mark>[{}\[\],:])
  | (?P<end>\Z)
  )""",
    re.VERBOSE,
)
_ESCAPES = re.compile(r"(?:\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.)")
_LONE = re.compile("[\ud800-\udfff]")


class _Stop(Exception):
    """The text cannot be read on; why is in the sink."""


def read(content: str, file: str, sink: Sink) -> tuple[Node | None, Source]:
    """The root node of a JSON text, or None when there is none or it cannot be read."""
    plain = content.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    source = Source(plain, file)
    try:
        return _Reader(source, sink).document(), source
    except _Stop:
        return None, source


class _Reader:
    """Reads one text from its beginning to its end."""

    def __init__(self, source: Source, sink: Sink) -> None:
        self.source = source
        self.sink = sink
        self.kind = ""
        self.start = 0
        self.end = 0

    def document(self) -> Node | None:
        """The value that the text holds; nothing may follow it."""
        self._next()
        if self.kind == "end":
            return None
        found = self._value(1)
        if self.kind != "end":
            self._unexpected("the end of the file")
        return found

    # --- tokens -------------------------------------------------------------------------------

    @property
    def token(self) -> str:
        return self.source.text[self.start : self.end]

    def _next(self) -> None:
        match = _TOKEN.match(self.source.text, self.end)
        if match is None:
            space = re.compile(r"[ \t\n\r]*").match(self.source.text, self.end)
            self.start = space.end() if space else self.end
            self._not_a_token()
        self.kind = match.lastgroup or ""
        self.start, self.end = match.span(self.kind)

    def _take(self, mark: str, expected: str) -> None:
        if self.kind != "mark" or self.token != mark:
            self._unexpected(expected)
        self._next()

    # --- values -------------------------------------------------------------------------------

    def _value(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            message = f"the definition is nested more than {MAX_DEPTH} levels deep"
            self._stop("PW008", message, self.start, self.end, "too deep")
        match self.kind, self.token:
            case (("string" | "literal"), _):
                return self._scalar()
            case "mark", "{":
                return self._object(depth)
            case "mark", "[":
                return self._array(depth)
            case _:
                self._unexpected("a value")

    def _scalar(self) -> Scalar:
        plain = self.kind == "literal"
        text = self._plain() if plain else self._string()
        self._next()
        return Scalar(text, plain, "")

    def _plain(self) -> Text:
        span = self.source.span(self.start, self.end)
        return Text(self.token, span, (span.start,))

    def _string(self) -> Text:
        span = self.source.span(self.start, self.end)
        value = json.loads(self.token)
        if _LONE.search(value):
            hint = "a character beyond U+FFFF is written as two escapes"
            message = "half of a surrogate pair is not a character"
            self._stop("PW015", message, self.start, self.end, "half a character", hint)
        if "\\" not in self.token:
            begin = Position(span.start.line, span.start.column + 1)
            return Text(value, span, (begin,), quoted=True)
        return _with_escapes(self.source, value, span, self.start + 1, self.end - 1)

    def _object(self, depth: int) -> Mapping:
        start = self.start
        entries: list[Entry] = []
        self._next()
        while not self._closed("}", bool(entries)):
            if self.kind != "string":
                self._unexpected("a key in double quotes")
            key = self._string()
            self._next()
            self._take(":", f"a `:` after the key `{key}`")
            entries.append(Entry(key, self._value(depth + 1)))
        end = self.end
        self._next()
        return Mapping(self._distinct(entries), True, self.source.span(start, end))

    def _array(self, depth: int) -> Sequence:
        start = self.start
        items: list[Node] = []
        self._next()
        while not self._closed("]", bool(items)):
            items.append(self._value(depth + 1))
        end = self.end
        self._next()
        return Sequence(tuple(items), True, self.source.span(start, end))

    def _closed(self, bracket: str, begun: bool) -> bool:
        """Whether the bracket closes here; if not, take the comma before the next member."""
        if self.kind == "mark" and self.token == bracket:
            return True
        if begun:
            comma = self.start, self.end
            self._take(",", f"`,` or `{bracket}`")
            if self.kind == "mark" and self.token == bracket:
                hint = "JSON allows no comma before a closing bracket"
                self._stop("PW018", "a comma too many", *comma, "delete this comma", hint)
        return False

    def _distinct(self, entries: list[Entry]) -> tuple[Entry, ...]:
        """The entries whose key is new."""
        seen: dict[str, Span] = {}
        for entry in entries:
            key = entry.key.value
            if key in seen:
                related = ((seen[key], "first written here"),)
                message = f"`{key}` is written twice"
                self.sink.error("PW003", message, entry.key.span, "again here", None, related)
            seen.setdefault(key, entry.key.span)
        return tuple(entry for entry in entries if seen[entry.key.value] == entry.key.span)

    # --- complaints ---------------------------------------------------------------------------

    def _unexpected(self, expected: str) -> NoReturn:
        found = "the file ends here" if self.kind == "end" else f"not `{self.token}`"
        message = f"this is not JSON: expected {expected}"
        self._stop("PW018", message, self.start, max(self.end, self.start + 1), found)

    def _not_a_token(self) -> NoReturn:
        rest = self.source.rest_of_line(self.start)
        word = re.match(r"[A-Za-z_$][\w$]*|//|/\*|'[^']*'?|\"|.", rest)
        token = word.group() if word else ""
        label, hint = _explained(token)
        message = f"this is not JSON: `{token}`"
        self._stop("PW018", message, self.start, self.start + max(1, len(token)), label, hint)

    def _stop(
        self, code: str, message: str, start: int, end: int, label: str, hint: str | None = None
    ) -> NoReturn:
        self.sink.error(code, message, self.source.span(start, end), label, hint)
        raise _Stop


def _explained(token: str) -> tuple[str, str | None]:
    """A label and a hint for what JavaScript allows and JSON does not."""
    if token in ("//", "/*"):
        return "a comment", "JSON has no comments"
    if token[:1] == "'":
        return "single quotes", "JSON wants double quotes"
    if token == '"':
        return "a text that does not end on its line", 'write a line break as `\\n`, a `"` as `\\"`'
    if token == "(":
        return (
            "JavaScript",
            "functions cannot be in JSON; name it and implement it in the companion",
        )
    if token == "undefined":
        return "JavaScript", "leave the key out, or write `{}` to forbid an event"
    if token[:1].isalpha():
        return "not a value", "put texts and keys in double quotes; functions cannot be in JSON"
    return "unexpected", None


def _with_escapes(source: Source, value: str, span: Span, start: int, end: int) -> Text:
    """A text in which escapes stand for one character each; the `jumps` lead around them."""
    jumps: list[tuple[int, Position]] = []
    shrunk = 0
    for match in _ESCAPES.finditer(source.text, start, end):
        jumps.append((match.start() - start - shrunk, source.position(match.start())))
        shrunk += len(match.group()) - 1
        jumps.append((match.end() - start - shrunk, source.position(match.end())))
    first = source.position(start)
    lines = [0, *(found.end() for found in re.finditer("\n", value))]
    places = dict(jumps)
    starts = tuple(places.get(line, first) for line in lines)
    return Text(value, span, starts, quoted=True, jumps=tuple(j for j in jumps if j[0]))
