"""The companion `.py` as a module: what it binds, and what one of its functions needs of it.

In: Python source, never run. Out: its functions; for one of them the statements that must go with
it into the database, in order, and what cannot run there (PW323, PW325).
"""

import ast
import builtins
import io
import symtable
import sys
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

from pawlc.diagnostics import Diagnostic
from pawlc.source import Position, Span

Binding = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign

# Modules whose business is the world outside, or a clock and a die of their own.
OUTSIDE = frozenset(
    {
        *("asyncio", "builtins", "concurrent", "ctypes", "ftplib", "glob", "http", "imaplib"),
        *("importlib", "io", "logging", "mmap", "multiprocessing", "os", "pathlib", "poplib"),
        *("random", "resource", "secrets", "select", "selectors", "shelve", "shutil", "signal"),
        *("smtplib", "socket", "socketserver", "sqlite3", "ssl", "subprocess", "sys", "tempfile"),
        *("threading", "time", "tkinter", "webbrowser"),
    }
)
# Names that a guard or an action must do without.
FORBIDDEN = {
    **dict.fromkeys(("plpy", "GD", "SD", "TD", "args"), "use the parameters: nothing else is kept"),
    **dict.fromkeys(
        ("open", "input", "print", "breakpoint"),
        "what changes the world is an effect: `effect:` or `invoke:`",
    ),
    **dict.fromkeys(
        ("eval", "exec", "compile", "__import__", "globals", "vars", "exit", "quit"),
        "write the code itself",
    ),
}
CLOCKS = frozenset({"now", "utcnow", "today"})


@dataclass(frozen=True, slots=True)
class Companion:
    """A companion file. `broken` ones had a syntax error, reported once."""

    file: str
    lines: tuple[str, ...] = ()
    statements: tuple[ast.stmt, ...] = ()
    scopes: dict[str, symtable.SymbolTable] = field(default_factory=dict)
    broken: bool = False

    def functions(self) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
        """The functions at the top of the module, by name; of two the later one counts."""
        kinds = ast.FunctionDef | ast.AsyncFunctionDef
        return {s.name: s for s in self.statements if isinstance(s, kinds)}

    def span(self, node: ast.expr | ast.stmt | ast.arg, length: int = 0) -> Span:
        """Where a node begins; `length` characters of it, else to its end or its line's."""
        start = self._position(node.lineno, node.col_offset)
        if length:
            return Span(self.file, start, Position(start.line, start.column + length))
        end = self._position(node.end_lineno or node.lineno, node.end_col_offset or 0)
        if end.line != start.line:
            end = Position(start.line, len(self.lines[start.line - 1]) + 1)
        return Span(self.file, start, end)

    def text(self, node: ast.stmt) -> str:
        """The source of a statement, with its decorators, as it was written."""
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(d.lineno for d in decorators)])
        lines = list(self.lines[first - 1 : node.end_lineno])
        if first == node.lineno:
            begin = self._position(node.lineno, node.col_offset).column - 1
            end = self._position(node.end_lineno or first, node.end_col_offset or 0).column - 1
            lines[-1] = lines[-1][:end]
            lines[0] = lines[0][begin:]
        return "\n".join(lines)

    def _position(self, line: int, column: int) -> Position:
        """Python counts columns in bytes of UTF-8."""
        before = self.lines[line - 1].encode()[:column].decode(errors="ignore")
        return Position(line, len(before) + 1)


def companion(source: str, file: str) -> tuple[Companion, tuple[Diagnostic, ...]]:
    """Read a companion file; `file` is its name in diagnostics.

    >>> made, problems = companion("def cheap(total):\\n    return total < 10\\n", "order.py")
    >>> list(made.functions()), problems
    (['cheap'], ())
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
            table = symtable.symtable(source, file, "exec")
    except SyntaxError as error:
        at = Position(error.lineno or 1, error.offset or 1)
        span = Span(file, at, Position(at.line, at.column + 1))
        message = f"Python syntax error: {error.msg}"
        return Companion(file, broken=True), (Diagnostic("PW323", message, span),)
    except (ValueError, RecursionError, MemoryError) as error:
        start = Position(1, 1)
        message = f"Python cannot read this file: {str(error) or 'it is nested too deeply'}"
        return Companion(file, broken=True), (
            Diagnostic("PW323", message, Span(file, start, start)),
        )
    # splitlines would also break at characters that Python takes for part of a line.
    lines = tuple(source.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    scopes = {child.get_name(): child for child in table.get_children()}
    return Companion(file, lines, tuple(tree.body), scopes), ()


def needed(
    companion: Companion, function: ast.FunctionDef
) -> tuple[tuple[Binding, ...], tuple[Diagnostic, ...]]:
    """The statements that a function needs, itself included, in the file's order.

    Those are the imports, constants, classes and functions that it names, and what they name.
    """
    bound = _bindings(companion)
    pending: list[Binding] = [function]
    taken: dict[int, Binding] = {}
    problems: list[Diagnostic] = []
    while pending:
        statement = pending.pop()
        if id(statement) in taken:
            continue
        taken[id(statement)] = statement
        problems += _statement_problems(companion, statement, frozenset(bound))
        pending += [bound[name] for name in _names(statement) if name in bound]
    order = sorted(taken.values(), key=lambda s: (s.lineno, s.col_offset))
    return tuple(order), tuple(problems)


def names_bound(statement: Binding) -> tuple[str, ...]:
    """The names that a statement binds."""
    match statement:
        case ast.Import(names=names):
            return tuple(a.asname or a.name.partition(".")[0] for a in names)
        case ast.ImportFrom(names=names):
            return tuple(a.asname or a.name for a in names)
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return (name,)
        case ast.Assign(targets=targets):
            walked = (node for target in targets for node in ast.walk(target))
            return tuple(node.id for node in walked if isinstance(node, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            return (name,)
        case ast.AnnAssign():
            return ()


def _bindings(companion: Companion) -> dict[str, Binding]:
    """What each name of the module was bound by, at last."""
    return {
        name: statement
        for statement in companion.statements
        if isinstance(statement, Binding) and not _future(statement)
        for name in names_bound(statement)
    }


def _future(statement: ast.stmt) -> bool:
    """`from __future__` stands at the top of a module only; the copied code does without."""
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def _names(statement: ast.AST) -> tuple[str, ...]:
    return tuple(node.id for node in ast.walk(statement) if isinstance(node, ast.Name))


def _statement_problems(
    companion: Companion, statement: Binding, bound: frozenset[str]
) -> Iterator[Diagnostic]:
    outer = _globals(companion, statement) - bound
    unknown = outer - set(dir(builtins)) - set(FORBIDDEN)
    yield from _long_strings(companion, statement)
    for node in ast.walk(statement):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield from _module_problems(companion, node, alias.name)
            case ast.ImportFrom() if node.level or any(a.name == "*" for a in node.names):
                hint = "only the file itself goes into the database: name what you import"
                yield _refuse("this import cannot be followed", companion.span(node), hint)
            case ast.ImportFrom():
                yield from _module_problems(companion, node, node.module or "")
            case ast.Name(id=name) if name in FORBIDDEN and name in outer:
                yield _refuse(
                    f"`{name}` cannot be used here", companion.span(node), FORBIDDEN[name]
                )
            case ast.Name(id=name, ctx=ast.Load()) if name in unknown:
                hint = "imports, constants and functions at the file's top level can be named"
                yield _refuse(f"unknown name `{name}`", companion.span(node), hint)
            case ast.Global():
                hint = "nothing is kept between calls: return it"
                yield _refuse("`global` means nothing here", companion.span(node), hint)
            case ast.Call(func=ast.Attribute(attr=name)) if name in CLOCKS and not node.args:
                hint = "take `now`, a keyword-only parameter: one timestamp for the macrostep"
                yield _refuse(f"`{name}()` reads the clock", companion.span(node), hint)
            case _:
                pass


def _globals(companion: Companion, statement: Binding) -> frozenset[str]:
    """The names that a statement takes from outside itself: of a function its global ones."""
    scope = companion.scopes.get(getattr(statement, "name", ""))
    if scope is None:
        return frozenset(_names(statement))
    pending, found = [scope], set()
    while pending:
        one = pending.pop()
        found |= {s.get_name() for s in one.get_symbols() if s.is_global()}
        pending += one.get_children()
    return frozenset(found)


def _long_strings(companion: Companion, statement: Binding) -> Iterator[Diagnostic]:
    """Strings over several lines: PL/Python indents the whole body, and so what is in them.

    That does no harm to one that stands alone, as a docstring does.
    """
    alone = {
        (node.lineno, node.end_lineno)
        for node in ast.walk(statement)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    text = companion.text(statement)
    first = (statement.end_lineno or statement.lineno) - text.count("\n")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        lines = (first + token.start[0] - 1, first + token.end[0] - 1)
        is_string = tokenize.tok_name[token.type] in ("STRING", "FSTRING_MIDDLE")
        if is_string and lines[0] != lines[1] and lines not in alone:
            start = Position(lines[0], token.start[1] + 1)
            span = Span(companion.file, start, Position(start.line, start.column + 3))
            hint = 'write each line apart: `"one\\n" "two\\n"`'
            yield _refuse("PL/Python would indent this string's lines", span, hint)


def _module_problems(companion: Companion, node: ast.stmt, module: str) -> Iterator[Diagnostic]:
    top = module.partition(".")[0]
    if top not in sys.stdlib_module_names:
        message = f"`{top}` is not of the standard library"
        hint = "the server's Python may not have it: do this in an effect"
        yield _refuse(message, companion.span(node), hint)
    elif top in OUTSIDE or module == "urllib.request":
        message = f"`{top}` reaches out of the function"
        yield _refuse(message, companion.span(node), "do this in an effect")


def _refuse(message: str, span: Span, hint: str) -> Diagnostic:
    return Diagnostic("PW325", message, span, hint=hint)
