"""Runs the blocks of one document in order: one folder, one database, one Python namespace."""

from __future__ import annotations

import io
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg
from pglast.parser import split
from psycopg.types import TypeInfo

from pawl.cli import app
from pawl.client.payload import from_json
from pawlc.compile import compile_machine
from tests.docs import output
from tests.docs.document import Block, Step

NUMBERS = frozenset({"int2", "int4", "int8", "float4", "float8", "numeric", "oid"})


class Drift(AssertionError):
    """The document says something else than what is; `text` is what the block should hold."""

    def __init__(self, block: Block, text: str, why: str = "prints something else") -> None:
        super().__init__(f"the block of line {block.line} {why}:\n{text}")
        self.block = block
        self.text = text


@dataclass(slots=True)
class Session:
    """What the blocks of a document share. `folder` is the current one."""

    folder: Path
    connection: psycopg.Connection[Any]
    namespace: dict[str, Any] = field(default_factory=dict)

    def run(self, step: Step) -> None:
        """Execute one block. Raises `Drift`, or whatever went wrong."""
        block = step.block
        if block.reason is not None:
            return
        if block.excerpt is not None:
            self._excerpt(block, block.excerpt)
        elif block.file is not None:
            (self.folder / block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            self._console(block)
        elif block.language == "sql":
            self._sql(step)
        elif block.language == "python":
            self._python(step)
        else:
            raise ValueError(f"line {block.line}: a file needs its name in the first line")

    def _python(self, step: Step) -> None:
        printed = io.StringIO()
        code = compile("\n" * (step.block.line - 1) + step.block.text, "<document>", "exec")
        with redirect_stdout(printed):
            exec(code, self.namespace)
        _compare(step, printed.getvalue())

    def _console(self, block: Block) -> None:
        written = "".join(self._commands(block))
        if written != block.text:
            raise Drift(block, written)

    def _commands(self, block: Block) -> Iterator[str]:
        """Each command with what it prints; what matches the document, as it stands there."""
        for command, expected in commands(block.text):
            name, *arguments = shlex.split(command.replace("\\\n", " "))
            if name not in PROGRAMS:
                raise ValueError(f"line {block.line}: `{name}` is not executed")
            printed, failed = PROGRAMS[name](arguments)
            if expected or failed:
                same = output.matches(expected, printed)
                same = same and (not failed or "error" in expected or "failed" in expected)
                yield f"$ {command}\n{expected if same else _tidy(printed)}"
            else:
                yield f"$ {command}\n"

    def _sql(self, step: Step) -> None:
        results = [self._statement(statement) for statement in split(step.block.text)]
        if step.output is not None and step.output.language == "json":
            _compare_json(step, results[-1])
            return
        printed = "\n".join(text for text, _, _ in results if text)
        unexpected = next((text for text, _, failed in results if failed), None)
        if step.output is None and unexpected is not None:
            raise Drift(step.block, unexpected, "fails")
        _compare(step, printed)

    def _statement(self, statement: str) -> tuple[str, Any, bool]:
        """Run one: what psql would print, the first value, whether it failed."""
        with self.connection.cursor() as cursor:
            try:
                cursor.execute(cast(LiteralString, statement))
            except psycopg.Error as error:
                return output.error(error), None, True
            if cursor.description is None:
                return "", None, False
            names = [column.name for column in cursor.description]
            right = [_is_number(self.connection, c.type_code) for c in cursor.description]
            rows = [tuple("" if v is None else v.decode() for v in row) for row in _raw(cursor)]
            value = rows[0][0] if rows else None
            return output.table(names, rows, right), value, False

    def _excerpt(self, block: Block, name: str) -> None:
        """Every piece between lines of `…` stands in what the file compiles to, in this order."""
        text = (self.folder / name).read_text("utf-8")
        lines = [line.strip() for line in compile_machine(text, name).sql.split("\n")]
        shown = [line.strip() for line in block.text.rstrip("\n").split("\n")[1:]]
        begin = 0
        for piece in _pieces(shown):
            places = range(begin, len(lines) - len(piece) + 1)
            begin = next((i for i in places if lines[i : i + len(piece)] == piece), -1)
            if begin < 0:
                raise Drift(block, "\n".join(piece), "is not what it compiles to")
            begin += len(piece)


def _pawl(arguments: list[str]) -> tuple[str, bool]:
    """Run the command in this process: what it prints, whether it failed."""
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        failed = app.run(arguments) != 0
    return printed.getvalue(), failed


def _pytest(arguments: list[str]) -> tuple[str, bool]:
    """Run the tests of the document's folder, in a process of their own."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout + done.stderr, done.returncode != 0


PROGRAMS = {"pawl": _pawl, "pytest": _pytest}


def commands(text: str) -> Iterator[tuple[str, str]]:
    r"""The commands of a console block and what each prints.

    >>> list(commands("$ pawl check \\\n    a.yaml\ngood\n$ pawl versions a\n"))
    [('pawl check \\\n    a.yaml', 'good\n'), ('pawl versions a', '')]
    """
    for part in f"\n{text}".split("\n$ ")[1:]:
        lines = part.rstrip("\n").split("\n")
        count = next(i for i, line in enumerate(lines) if not line.endswith("\\")) + 1
        yield "\n".join(lines[:count]), "".join(f"{line}\n" for line in lines[count:])


def _raw(cursor: psycopg.Cursor[Any]) -> Iterator[tuple[bytes | None, ...]]:
    result = cursor.pgresult
    assert result is not None
    for row in range(result.ntuples):
        yield tuple(result.get_value(row, column) for column in range(result.nfields))


def _is_number(connection: psycopg.Connection[Any], oid: int) -> bool:
    info = connection.adapters.types.get(oid)
    return isinstance(info, TypeInfo) and info.name in NUMBERS and oid == info.oid


def _compare(step: Step, printed: str) -> None:
    if step.output is not None and not output.matches(step.output.text, printed):
        raise Drift(step.output, _tidy(printed))


def _compare_json(step: Step, result: tuple[str, Any, bool]) -> None:
    assert step.output is not None
    text, value, failed = result
    if failed:
        raise Drift(step.output, text)
    found = from_json(value)
    if not output.same_json(from_json(step.output.text), found):
        raise Drift(step.output, output.pretty(found))


def _tidy(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.strip("\n").split("\n")) if text else ""


def _pieces(lines: list[str]) -> Iterator[list[str]]:
    piece: list[str] = []
    for line in [*lines, output.ANY]:
        if line in (output.ANY, f"-- {output.ANY}"):
            if piece:
                yield piece
            piece = []
        else:
            piece.append(line)
