"""Tables for a terminal, aligned text for a pipe, JSON for a program.

Results go to stdout, everything else (notes, failures) to stderr.
"""

import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import rich_click as click
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from pawl.cli.failures import Failure
from pawl.client.payload import to_json

PROSE = 88  # columns


class Output:
    """How this run of `pawl` speaks; `json` is set by the option `--json`."""

    def __init__(self) -> None:
        self.json = False

    def line(self, text: str = "", style: str = "") -> None:
        """Print one line of a result for people; nothing under `--json`."""
        if not self.json:
            Console(highlight=False, soft_wrap=True).print(Text(text, style=style))

    def heading(self, text: str) -> None:
        """Print a heading for people."""
        self.line(text, "bold cyan")
        self.line("─" * len(text), "cyan")

    def prose(self, text: str) -> None:
        """Print a paragraph, wrapped to the terminal but no wider than people read well."""
        width = min(PROSE, Console().width)
        for line in textwrap.wrap(text, width):
            self.line(line)

    def code(self, text: str, language: str) -> None:
        """Print SQL or YAML, indented, and coloured on a terminal."""
        if sys.stdout.isatty():
            code = Syntax(
                text, language, theme="ansi_dark", background_color="default", word_wrap=True
            )
            Console().print(Padding(code, (0, 0, 0, 2)))
        else:
            self.raw(textwrap.indent(text, "  "))

    def diff(self, text: str) -> None:
        """Print a unified diff, coloured on a terminal."""
        if sys.stdout.isatty():
            Console().print(Syntax(text, "diff", theme="ansi_dark", background_color="default"))
        else:
            self.raw(text)

    def refusal(self, sqlstate: str, message: str, hint: str | None) -> None:
        """Print an error that was expected: a result like any other."""
        self.line(f"refused [{sqlstate}] {message}", "bold yellow")
        if hint:
            self.line(f"  {hint}", "yellow")

    def raw(self, text: str) -> None:
        """Print text that is itself the result (SQL, a diagram), byte for byte."""
        click.echo(text, nl=not text.endswith("\n"))

    def data(self, value: Any) -> None:
        """Print a value as one line of JSON."""
        click.echo(to_json(value))

    def note(self, text: str) -> None:
        """Tell the person, not the program, what happens on the side."""
        if not self.json:
            Console(stderr=True, highlight=False, soft_wrap=True).print(Text(text, style="dim"))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Print rows; under `--json` as an array of objects."""
        rows = [tuple(row) for row in rows]
        if self.json:
            self.data([dict(zip(columns, row, strict=True)) for row in rows])
        elif sys.stdout.isatty():
            Console(highlight=False).print(boxed(columns, rows))
        else:
            self.raw(aligned(columns, rows))

    def wrote(self, file: Path) -> None:
        """Say which file a command made."""
        if self.json:
            self.data({"file": str(file)})
        self.line(f"wrote {file}")

    def unchanged(self, why: str) -> None:
        """Say why a command made no file."""
        if self.json:
            self.data({"file": None})
        self.line(f"unchanged: {why}")

    def error(self, value: Mapping[str, Any]) -> None:
        """Print an error as one line of JSON on stderr."""
        click.echo(to_json({"error": value}), err=True)

    def failure(self, failure: Failure) -> None:
        """Print an error to stderr: what, the code, and what to do."""
        if self.json:
            self.error({key: value for key, value in asdict(failure).items() if value})
            return
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print(Text.assemble((f"error[{failure.code}]", "bold red"), f": {failure.message}"))
        for line in failure.details:
            console.print(Text(f"  {line}"))
        if failure.hint:
            console.print(Text(f"  = hint: {failure.hint}"))


def boxed(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Return a rich table with one line below its head."""
    table = Table(
        *columns, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold"
    )
    for row in rows:
        table.add_row(*(Text(cell(value)) for value in row))
    return table


def aligned(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Lay rows out as plain text, two spaces between columns.

    >>> print(aligned(("id", "state"), [("o-1", ("a", "b")), ("o-17", None)]), end="")
    id    state
    o-1   a, b
    o-17
    """
    lines = [tuple(columns), *(tuple(cell(value) for value in row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    return "".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in lines
    )


def cell(value: Any) -> str:
    """Write one value in a table, on one line.

    >>> cell(None), cell(("a", "b")), cell({"total": 1}), cell(True)
    ('', 'a, b', '{"total": 1}', 'yes')
    """
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.isoformat(sep=" ", timespec="seconds")
        case str():
            return value.replace("\n", "⏎")
        case tuple() | list() if all(isinstance(item, str) for item in value):
            return ", ".join(value)
        case dict() | tuple() | list():
            return to_json(value)
        case _:
            return str(value)
