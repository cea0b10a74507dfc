"""Where a piece of text stands in its file.

Lines and columns count from 1, columns in characters. A `Text` is a scalar of the source together
with the position of each of its lines, so that an offset inside an expression leads back to the
file even when the scalar is a block, quoted or folded.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A character in a file; both numbers count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a file; `end` is the position after its last character."""

    file: str
    start: Position
    end: Position

    def __str__(self) -> str:
        """
        >>> str(Span("order.machine.yaml", Position(9, 15), Position(9, 20)))
        'order.machine.yaml:9:15'
        """
        return f"{self.file}:{self.start.line}:{self.start.column}"


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar and where it stands.

    `starts[i]` is the position of the first character of line i of `value`. `quoted` tells that
    YAML quotes stood around it, which matters for the diagnostics of values that are SQL. `jumps`
    are the other places where `value` and the file part, `(offset, position)` in ascending order:
    a line that YAML folded into a space, an escape.
    """

    value: str
    span: Span
    starts: tuple[Position, ...]
    quoted: bool = False
    jumps: tuple[tuple[int, Position], ...] = ()

    def at(self, offset: int, length: int = 1) -> Span:
        """The span of `length` characters at `offset` (0-based) of `value`, cut at the line's end.

        >>> start = Position(3, 10)
        >>> text = Text("a > b", Span("m.yaml", start, Position(3, 15)), (start,))
        >>> str(text.at(4))
        'm.yaml:3:14'
        """
        before = self.value[: max(0, min(offset, len(self.value)))]
        line = min(before.count("\n"), len(self.starts) - 1)
        column = len(before) - (before.rfind("\n") + 1)
        start = self.starts[line]
        for jump, position in self.jumps:
            if len(before) - column <= jump <= len(before):
                start, column = position, len(before) - jump
        begin = Position(start.line, start.column + column)
        return Span(self.span.file, begin, Position(begin.line, begin.column + max(1, length)))

    def __str__(self) -> str:
        return self.value
