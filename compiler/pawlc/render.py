"""Diagnostics as a report for people (`text`) or as data for machines (`json`).

error[PW204]: transition targets unknown state `payed`
  --> order.machine.yaml:9:15
   |
 9 |   pay: { target: payed }
   |                  ^^^^^ no state has this name
   = hint: did you mean `paid`?
"""

import unicodedata
from collections.abc import Callable, Mapping

from pawlc.diagnostics import Diagnostic, Severity, in_order
from pawlc.source import Span

Lines = Mapping[str, list[str]]
Paint = Callable[[str, str], str]

_TAB = 4
_BOLD, _RED, _YELLOW, _BLUE = "1", "1;31", "1;33", "1;34"
_HUES = {Severity.ERROR: _RED, Severity.WARNING: _YELLOW}


def text(
    diagnostics: tuple[Diagnostic, ...], sources: Mapping[str, str], color: bool = False
) -> str:
    """The report: each diagnostic with its line of source, in the file's order, then a count.

    `sources` maps the file names of the spans to their texts; a file that is not there is named
    without its line. `color` adds ANSI escapes. Empty when there is nothing to report.
    """
    lines = {file: _lines(source) for file, source in sources.items()}
    paint = _paint if color else _leave
    blocks = [_block(found, lines, paint) for found in in_order(diagnostics)]
    return "\n\n".join([*blocks, count(diagnostics)]) + "\n" if blocks else ""


def count(diagnostics: tuple[Diagnostic, ...]) -> str:
    """The closing line.

    >>> from pawlc.source import Position
    >>> span = Span("m.yaml", Position(1, 1), Position(1, 2))
    >>> count((Diagnostic("PW204", "", span), Diagnostic("PW205", "", span)))
    '2 errors'
    """
    parts = []
    for severity in Severity:
        number = sum(found.severity is severity for found in diagnostics)
        if number:
            parts.append(f"{number} {severity}{'s' if number > 1 else ''}")
    return ", ".join(parts)


def json(diagnostics: tuple[Diagnostic, ...]) -> list[dict[str, object]]:
    """The diagnostics as JSON data, in the file's order; the keys of the objects are stable."""
    return [
        {
            "code": found.code,
            "severity": str(found.severity),
            "message": found.message,
            **_place(found.span),
            "label": found.label,
            "hint": found.hint,
            "related": [{**_place(span), "label": label} for span, label in found.related],
        }
        for found in in_order(diagnostics)
    ]


def _place(span: Span) -> dict[str, object]:
    return {
        "file": span.file,
        "line": span.start.line,
        "column": span.start.column,
        "end_line": span.end.line,
        "end_column": span.end.column,
    }


def _lines(source: str) -> list[str]:
    plain = source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return plain.split("\n")


def _paint(words: str, hue: str) -> str:
    return f"\x1b[{hue}m{words}\x1b[0m"


def _leave(words: str, hue: str) -> str:
    return words


def _block(found: Diagnostic, lines: Lines, paint: Paint) -> str:
    """One diagnostic: its header, its line of source, the related ones, its hint."""
    spans = (found.span, *(span for span, _ in found.related))
    gutter = max(len(str(span.start.line)) for span in spans)
    head = paint(f"{found.severity}[{found.code}]", _HUES[found.severity])
    out = [head + paint(f": {_printable(found.message)}", _BOLD)]
    out += _snippet(found.span, found.label, "-->", "^", lines, paint, gutter)
    for span, label in found.related:
        out += _snippet(span, label, ":::", "-", lines, paint, gutter)
    if found.hint is not None:
        begin = " " * (gutter + 2) + paint("=", _BLUE) + " hint: "
        indent = "\n" + " " * (gutter + 10)
        out.append(begin + indent.join(map(_printable, found.hint.split("\n"))))
    return "\n".join(out)


def _snippet(
    span: Span, label: str, arrow: str, mark: str, lines: Lines, paint: Paint, gutter: int
) -> list[str]:
    """A place and its line of source, marked."""
    out = [" " * (gutter + 1) + paint(arrow, _BLUE) + f" {span}"]
    bar = " " * (gutter + 2) + paint("|", _BLUE)
    source = lines.get(span.file, [])
    if not 1 <= span.start.line <= len(source):
        return [*out, bar + f" {_printable(label)}"] if label else out
    line = source[span.start.line - 1]
    before, marked = _under(line, span)
    number = paint(f"{span.start.line:>{gutter + 1}} |", _BLUE)
    hue = _RED if mark == "^" else _BLUE
    under = paint(f"{mark * marked} {_printable(label)}".rstrip(), hue)
    return [*out, bar, f"{number} {_shown(line)}".rstrip(), f"{bar} {' ' * before}{under}"]


def _under(line: str, span: Span) -> tuple[int, int]:
    """The terminal columns before a span's mark, and of the mark; at least one."""
    start = min(span.start.column - 1, len(line))
    same = span.end.line == span.start.line
    end = min(span.end.column - 1, len(line)) if same else len(line.rstrip())
    before = len(_shown(line[:start], wide=True))
    return before, max(1, len(_shown(line[:end], wide=True)) - before)


def _shown(line: str, wide: bool = False) -> str:
    """A line as printed, tabs as spaces; `wide` gives a text with one letter for each column.

    >>> _shown("\\ta"), len(_shown("\u732b", wide=True))
    ('    a', 2)
    """
    out: list[str] = []
    column = 0
    for character in line:
        width = _TAB - column % _TAB if character == "\t" else _width(character)
        shown = " " * width if character == "\t" else _printable(character)
        out.append("." * width if wide else shown)
        column += width
    return "".join(out)


def _printable(words: str) -> str:
    """Control characters, which could steer the terminal, made visible.

    >>> _printable("a\\x1bb")
    'a?b'
    """
    return "".join("?" if unicodedata.category(c) in ("Cc", "Cs") else c for c in words)


def _width(character: str) -> int:
    """The columns that a character takes in a terminal."""
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
