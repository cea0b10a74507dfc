"""From a scalar of the file to a `Text` whose every offset leads back to the file.

YAML folds lines, drops indentation and reads escapes, so a value and its source differ. The
source is cut into the pieces that YAML copies verbatim; each is then found again in the value.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator

from pawlc.source import Position, Span, Text

_ESCAPE = re.compile(r"\\(?:x..|u.{4}|U.{8}|.)", re.DOTALL)

Piece = tuple[int, str, int]  # offset in the source, text, characters of the value before it
Jumps = tuple[tuple[int, Position], ...]  # offset in the value, position in the file


class Source:
    """A file's text with `\\n` line ends; offsets count from 0."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def position(self, offset: int) -> Position:
        """The line and column of an offset."""
        low, high = 0, len(self._lines)
        while high - low > 1:
            middle = (low + high) // 2
            if self._lines[middle] <= offset:
                low = middle
            else:
                high = middle
        return Position(low + 1, offset - self._lines[low] + 1)

    def offset(self, position: Position) -> int:
        """The offset of a position; the inverse of `position`."""
        return self._lines[position.line - 1] + position.column - 1

    def span(self, start: int, end: int) -> Span:
        """The span of `text[start:end]`."""
        return Span(self.file, self.position(start), self.position(max(end, start)))

    def line(self, number: int) -> str:
        """The text of a line, counted from 1."""
        start = self._lines[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else len(self.text)]

    def rest_of_line(self, offset: int) -> str:
        """What follows an offset on its line."""
        end = self.text.find("\n", offset)
        return self.text[offset : end if end >= 0 else len(self.text)]


def text(source: Source, value: str, style: str | None, start: int, end: int) -> Text:
    """The `Text` of a scalar written at `source.text[start:end]`, which YAML read as `value`.

    `style` is YAML's: None, `'`, `"`, `|` or `>`. Line ends at the close of a block are dropped.
    """
    if style in ("|", ">"):
        value = value.rstrip("\n")
        end = start + len(source.text[start:end].rstrip())
    jumps = _located(source, value, _pieces(source.text, style, start, end))
    first = jumps[0][1] if jumps else source.position(start)
    begin = first if style in ("|", ">") else source.position(start)
    offsets = [offset for offset, _ in jumps]
    lines = [0, *(match.end() for match in re.finditer("\n", value))]
    starts = [_line_start(value, line, jumps, bisect_left(offsets, line), first) for line in lines]
    return Text(
        value,
        Span(source.file, begin, source.position(end)),
        tuple(starts),
        quoted=style in ("'", '"'),
        jumps=tuple(j for j in jumps if j[0] and value[j[0] - 1] != "\n"),
    )


def _line_start(value: str, offset: int, jumps: Jumps, index: int, first: Position) -> Position:
    """Where the line of the value that begins at `offset` stands in the file.

    `jumps[index]` is the first jump at or behind `offset`: the line's own unless the line is empty.
    """
    if index < len(jumps):
        jump, position = jumps[index]
        if value[offset:jump].strip(" ") == "":
            return Position(position.line, position.column - (jump - offset))
    return jumps[index - 1][1] if index else first


def _located(source: Source, value: str, pieces: Iterator[Piece]) -> Jumps:
    """Where in `value` each verbatim piece begins, with its position in the file."""
    found: list[tuple[int, Position]] = []
    offset = 0
    for start, piece, before in pieces:
        at = value.find(piece, offset + before)
        if at >= 0:
            found.append((at, source.position(start)))
            offset = at + len(piece)
    return tuple(found)


def _pieces(text: str, style: str | None, start: int, end: int) -> Iterator[Piece]:
    match style:
        case "'":
            return _single(text, start + 1, end - 1)
        case '"':
            return _double(text, start + 1, end - 1)
        case "|" | ">":
            return _block(text, text.find("\n", start) + 1, end)
        case _:
            return _lines(text, start, end)


def _lines(text: str, start: int, end: int) -> Iterator[Piece]:
    """The lines of a flow scalar without the white space that folding drops."""
    for match in re.finditer(r"[^\n]+", text[start:end]):
        line = match.group()
        first = len(line) - len(line.lstrip(" \t")) if match.start() else 0
        last = len(line) if match.end() == end - start else len(line.rstrip(" \t"))
        if line[first:last]:
            yield start + match.start() + first, line[first:last], 0


def _single(text: str, start: int, end: int) -> Iterator[Piece]:
    """The lines between single quotes, cut after the first of two quotes that stand for one."""
    for offset, line, _ in _lines(text, start, end):
        begin = 0
        for match in re.finditer("''", line):
            yield offset + begin, line[begin : match.start() + 1], 0
            begin = match.end()
        if line[begin:]:
            yield offset + begin, line[begin:], 0


def _double(text: str, start: int, end: int) -> Iterator[Piece]:
    """The lines between double quotes, cut at escapes, each of which stands for one character."""
    for offset, line, _ in _lines(text, start, end):
        begin, before = 0, 0
        for match in _ESCAPE.finditer(line):
            if match.start() > begin:
                yield offset + begin, line[begin : match.start()], before
                before = 0
            begin, before = match.end(), before + 1
        if line[begin:] not in ("", "\\"):
            yield offset + begin, line[begin:].removesuffix("\\"), before


def _block(text: str, start: int, end: int) -> Iterator[Piece]:
    """The lines of a block scalar without its indentation.

    A line that is indented further keeps its extra spaces in the value; the search goes on from
    the line before, so the piece without them is found just as well.
    """
    for match in re.finditer(r"[^\n]+", text[start:end]):
        line = match.group()
        first = len(line) - len(line.lstrip(" "))
        if line[first:]:
            yield start + match.start() + first, line[first:], 0
