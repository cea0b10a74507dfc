"""Target code as text: the style of sql/, two spaces, one thing a line.

In: nodes of `lower.target`. Out: text that ends in a newline; the same for the same nodes.
"""

from collections.abc import Iterable, Iterator
from typing import assert_never

from pawlc.emit.layout import fit
from pawlc.lower.target import (
    Block,
    Body,
    Call,
    Comment,
    Diagnose,
    Each,
    Function,
    If,
    Insert,
    Leave,
    Loop,
    Parameter,
    Return,
    Select,
    Set,
    Statement,
    Table,
    Update,
    Variable,
)
from pawlc.sql import Sql, literal

_STEP = 2


def function(made: Function) -> Sql:
    """`create or replace function` and its comment."""
    body = _body(made)
    tag = _tag(body)
    returns = [] if made.returns is None else [f"returns {made.returns}"]
    language = f"language {made.language}" + (f" {made.volatility}" if made.volatility else "")
    if made.definer:
        language += " security definer\nset search_path = pg_catalog, pg_temp"
    lines = [
        f"create or replace function {made.name}{_parameters(made.parameters)}",
        *returns,
        language,
        f"as {tag}",
        body.rstrip("\n"),
        f"{tag};",
        "",
        f"comment on function {made.name} is",
        f"  {literal(made.comment)};",
    ]
    return Sql("\n".join(lines) + "\n")


def table(made: Table) -> Sql:
    """`create table`, its comments, and row level security without a policy for clients."""
    items = [f"  {c.name} {c.definition}" for c in made.columns]
    items += [f"  constraint {c.name} {c.definition}" for c in made.constraints]
    lines = [f"create table {made.name} (", ",\n".join(items), ") with (fillfactor = 80);", ""]
    lines.append(f"comment on table {made.name} is {literal(made.comment)};")
    for column in made.columns:
        if column.comment is not None:
            lines.append(
                f"comment on column {made.name}.{column.name} is {literal(column.comment)};"
            )
    return Sql("\n".join(lines) + "\n")


def _parameters(parameters: tuple[Parameter, ...]) -> str:
    words = [_parameter(p) for p in parameters]
    if len(words) <= 1:
        return f"({''.join(words)})"
    return "(\n" + ",\n".join(f"  {word}" for word in words) + "\n)"


def _parameter(parameter: Parameter) -> str:
    mode = f"{parameter.mode} " if parameter.mode else ""
    default = "" if parameter.default is None else f" default {parameter.default}"
    return f"{mode}{parameter.name} {parameter.type}{default}"


def _body(made: Function) -> str:
    if isinstance(made.body, Block):
        lines = ["#variable_conflict use_column", *_block(made.body, 0)]
        return "\n".join(lines)
    if made.language == "sql":
        return f"  {made.body}"
    return str(made.body)


def _tag(body: str) -> str:
    """A dollar quote that the body does not contain."""
    name = "function"
    while f"${name}$" in body:
        name += "_"
    return f"${name}$"


def _lines(body: Body, indent: int) -> Iterator[str]:
    for statement in body:
        yield from _statement(statement, indent)


def _statement(statement: Statement, indent: int) -> Iterator[str]:
    pad = " " * indent
    match statement:
        case Comment():
            yield f"{pad}-- {' '.join(statement.text.splitlines())}"
        case Set():
            head = f"{statement.target} := "
            yield f"{pad}{head}{fit(statement.value, indent, len(head))};"
        case If():
            yield from _if(statement, indent)
        case Loop():
            name = statement.label.split(".")[-1]
            yield f"{pad}<<{name}>>"
            yield f"{pad}loop"
            yield from _lines(statement.body, indent + _STEP)
            yield f"{pad}end loop {name};"
        case Each():
            yield f"{pad}foreach {statement.variable} in array {statement.values} loop"
            yield from _lines(statement.body, indent + _STEP)
            yield f"{pad}end loop;"
        case Leave():
            when = "" if statement.when is None else f" when {statement.when}"
            yield f"{pad}exit {statement.label.split('.')[-1]}{when};"
        case Call():
            call = f"{statement.function}({', '.join(statement.arguments)})"
            yield f"{pad}perform {fit(call, indent, len('perform '))};"
        case Return():
            value = "" if statement.value is None else f" {fit(statement.value, indent, 7)}"
            yield f"{pad}return{value};"
        case Select():
            yield from _select(statement, pad)
        case Insert():
            yield from _insert(statement, pad)
        case Update():
            yield f"{pad}update {statement.table}"
            yield f"{pad}set"
            yield from _separated((f"{pad}  {n} = {v}" for n, v in statement.values), "")
            yield f"{pad}where {statement.where};"
        case Diagnose():
            yield f"{pad}get stacked diagnostics"
            yield from _separated((f"{pad}  {n} = {v}" for n, v in statement.items), ";")
        case Block():
            yield from _block(statement, indent)
        case _:
            assert_never(statement)


def _if(statement: If, indent: int) -> Iterator[str]:
    pad = " " * indent
    branches, otherwise = statement.branches, statement.otherwise
    while len(otherwise) == 1 and isinstance(inner := otherwise[0], If):
        branches, otherwise = (*branches, *inner.branches), inner.otherwise
    for place, branch in enumerate(branches):
        word = "elsif" if place else "if"
        condition = fit(branch.condition, indent, len(word) + 1, len(" then"))
        if "\n" in condition:
            yield f"{pad}{word} {condition}"
            yield f"{pad}then"
        else:
            yield f"{pad}{word} {condition} then"
        yield from _lines(branch.body, indent + _STEP) if branch.body else [f"{pad}  null;"]
    if otherwise:
        yield f"{pad}else"
        yield from _lines(otherwise, indent + _STEP)
    yield f"{pad}end if;"


def _select(statement: Select, pad: str) -> Iterator[str]:
    yield f"{pad}select"
    yield from _separated((f"{pad}  {c}" for c in statement.columns), "")
    yield f"{pad}into"
    end = "" if statement.source is not None else ";"
    yield from _separated((f"{pad}  {t}" for t in statement.into), end)
    if statement.source is not None:
        yield f"{pad}from {statement.source}"
        lock = f"\n{pad}for update" if statement.lock else ""
        yield f"{pad}where {statement.where}{lock};"


def _insert(statement: Insert, pad: str) -> Iterator[str]:
    names = f"({', '.join(n for n, _ in statement.values)})"
    values = f"({', '.join(v for _, v in statement.values)})"
    tail = []
    if statement.conflict is not None:
        tail.append(f"{pad}on conflict {statement.conflict}")
    if statement.returning is not None:
        column, target = statement.returning
        tail.append(f"{pad}returning {column} into {target}")
    head = f"{pad}insert into {statement.table} "
    yield head + fit(names, len(pad), len(head) - len(pad), 0)
    line = f"{pad}values " + fit(values, len(pad), 7)
    *rest, last = [line, *tail]
    yield from rest
    yield last + ";"


def _separated(items: Iterable[str], end: str) -> Iterator[str]:
    listed = list(items)
    for item in listed[:-1]:
        yield item + ","
    if listed:
        yield listed[-1] + end


def _block(block: Block, indent: int) -> Iterator[str]:
    pad = " " * indent
    if block.label is not None:
        yield f"{pad}<<{block.label}>>"
    if block.variables:
        yield f"{pad}declare"
        for variable in block.variables:
            yield f"{pad}  {_variable(variable)};"
    yield f"{pad}begin"
    yield from _lines(block.body, indent + _STEP)
    if block.handler is not None:
        yield f"{pad}exception"
        yield f"{pad}  when {block.handler.condition} then"
        yield from _lines(block.handler.body, indent + 2 * _STEP)
    yield f"{pad}end{'' if block.label is None else f' {block.label}'};"


def _variable(variable: Variable) -> str:
    constant = " constant" if variable.constant else ""
    default = "" if variable.default is None else f" := {variable.default}"
    return f"{variable.name}{constant} {variable.type}{default}"
