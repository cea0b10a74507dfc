"""The statements by which Postgres itself judges a definition, before anything is deployed.

In: a machine. Out: `Probe`s, in an order in which later ones may rely on earlier ones. PL/pgSQL
checks nothing when a function is created, functions in `language sql` with a parsed body do: so
each expression becomes one, its parameters `self`, `context` and `event` named as the generated
code names them. `pawl.deploy.probe` runs them and rolls everything back.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import StrEnum

from pawlc.expr import names
from pawlc.model.machine import Column, Expression, Machine, Ref
from pawlc.source import Span, Text

SCHEMA = "pawl_probe"
SELF = (
    "id text, machine text, version integer, seq bigint, now timestamptz, claims jsonb, "
    "sender_machine text, sender_id text, state text[]"
)


FAILING = "pawl.illegal("
"""What stands for an expression of SCXML that is wrong."""

_KEPT = ("boolean", "jsonb", "text", "interval")
"""What an expression of SCXML is made to be, or has to be."""


class Kind(StrEnum):
    """What a probe asks about. All of a kind come before those of the next."""

    TYPE = "type"
    DEFAULT = "default"
    CHECK = "check"
    EXPRESSION = "expression"
    INDEX = "index"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Probe:
    """A statement in three pieces, of which the user wrote the middle one.

    `before` and `after` are ours. `wants` is the SQL type that the place of an expression wants.
    `made` is what the statement makes, where somebody looks at it: a table for a type, or what
    Postgres keeps a parse tree of, a function, a constraint, a column with its table.
    """

    kind: Kind
    text: Text
    before: str
    after: str
    expression: Expression | None = None
    verbatim: str = ""
    offset: int = 0
    wants: str | None = None
    made: str | None = None

    @property
    def written(self) -> str:
        """What the user wrote, as it stands in the statement."""
        if self.expression is None:
            return self.verbatim
        return names.render(self.expression, _name if self.kind is Kind.EXPRESSION else _bare)

    @property
    def sql(self) -> str:
        """The statement."""
        return f"{self.before}{self.written}{self.after}"

    def place(self, position: int | None) -> Span:
        """The place in the file of a character (0-based) of the statement; None is unknown."""
        inside = -1 if position is None else position - len(self.before)
        known = 0 <= inside < len(self.written)
        if self.expression is None:
            inside = inside if known else 0
            return self.text.at(self.offset + inside, names.word(self.verbatim, inside))
        if not known:
            return self.text.span
        name = _name if self.kind is Kind.EXPRESSION else _bare
        return names.place(self.expression, name, inside)


def setup(machine: Machine) -> tuple[str, ...]:
    """The statements before all probes: the schema and the type of `self`."""
    return (f"create schema {SCHEMA}", f"create type {SCHEMA}.self as ({SELF})")


def tables(machine: Machine) -> tuple[str, ...]:
    """The statements between the probes of types and all others: they rely on the types."""
    expressions = _distinct(machine)
    targets = (
        f"create table {SCHEMA}.{_target(index)} (value {type})"
        for index, type in enumerate(_wanted(expressions))
    )
    events = (
        f"create type {SCHEMA}.{_event(index)} as ({_attributes(signature)})"
        for index, signature in enumerate(_signatures(expressions))
    )
    groups = (
        f"create table {SCHEMA}.{group} ({', '.join(_definition(c) for c in columns)})"
        for group, columns in _groups(machine)
    )
    return (*groups, *targets, *events, *_python(machine))


def _python(machine: Machine) -> Iterator[str]:
    """Functions that stand for Python's, which are not there yet, or are of another time."""
    schema = names.ident(machine.schema)
    if machine.python:
        yield f"create schema if not exists {schema}"
    for function in machine.python:
        name = names.ident(f"v{machine.version}_{function.name}")
        types = ", ".join(type for _, type in function.parameters)
        yield f"drop function if exists {schema}.{name} ({types})"
        yield (
            f"create function {schema}.{name} ({types}) returns {function.returns} "
            f"language sql stable return null::{function.returns}"
        )


def probes(machine: Machine) -> tuple[Probe, ...]:
    """Everything to ask Postgres about a machine."""
    groups = tuple(_groups(machine))
    return (
        *(t for group, columns in groups for t in _types(group, columns)),
        *(d for group, columns in groups for d in _defaults(group, columns)),
        *(k for group, columns in groups for k in _checks(group, columns)),
        *_expressions(machine),
        *_indexes(machine),
        *(r for column in machine.context for r in _references(column)),
    )


def _groups(machine: Machine) -> Iterator[tuple[str, tuple[Column, ...]]]:
    """The columns that stand together: the context, each payload, each effect's output."""
    yield "context", machine.context
    for index, event in enumerate(machine.events):
        yield f"payload_{index}", event.fields
    for index, effect in enumerate(machine.effects):
        yield f"returns_{index}", effect.returns or ()


def _definition(column: Column) -> str:
    collate = f" collate {column.collate}" if column.collate else ""
    return f"{names.ident(column.name)} {column.type}{collate}"


def _types(group: str, columns: tuple[Column, ...]) -> Iterator[Probe]:
    """For each column a table of it alone, and another with its collation."""
    for index, column in enumerate(columns):
        for made, before, written in (
            ("type", "", column.type),
            ("collate", f"{column.type} collate ", column.collate),
        ):
            if written is not None:
                table = f"{group}_{made}_{index}"
                yield Probe(
                    kind=Kind.TYPE,
                    text=column.source,
                    before=f"create table {SCHEMA}.{table} ({names.ident(column.name)} {before}",
                    after=")",
                    verbatim=written,
                    offset=max(0, column.source.value.find(written)),
                    made=table,
                )


def _defaults(group: str, columns: tuple[Column, ...]) -> Iterator[Probe]:
    for index, column in enumerate(columns):
        table = f"{group}_default_{index}"
        if column.default is not None:
            yield Probe(
                kind=Kind.DEFAULT,
                text=column.default.source,
                before=f"create table {SCHEMA}.{table} ({_definition(column)} default (\n",
                after="\n))",
                expression=column.default,
                wants=column.type,
                made=f"{table}.{column.name}",
            )


def _checks(group: str, columns: tuple[Column, ...]) -> Iterator[Probe]:
    checks = (check for column in columns for check in column.checks)
    definitions = ", ".join(_definition(column) for column in columns)
    for index, check in enumerate(checks):
        name = f"{group}_check_{index}"
        yield Probe(
            kind=Kind.CHECK,
            text=check.expression.source,
            before=f"create table {SCHEMA}.{name} ({definitions}, constraint {name} check (\n",
            after="\n))",
            expression=check.expression,
            wants="boolean",
            made=name,
        )


def _indexes(machine: Machine) -> Iterator[Probe]:
    for index in machine.indexes:
        for expression in index:
            yield Probe(
                kind=Kind.INDEX,
                text=expression.source,
                before=f"create index on {SCHEMA}.context ((\n",
                after="\n))",
                expression=expression,
            )


def _references(column: Column) -> Iterator[Probe]:
    if column.references is not None:
        clause = column.references
        first = clause.split()[0]
        yield Probe(
            kind=Kind.REFERENCE,
            text=column.source,
            before=(
                f"alter table {SCHEMA}.context "
                f"add foreign key ({names.ident(column.name)}) references "
            ),
            after="",
            verbatim=clause,
            offset=max(0, column.source.value.find(first)),
        )


def _expressions(machine: Machine) -> Iterator[Probe]:
    """A function for each; an insert where a type is wanted converts as an assignment does."""
    expressions = _distinct(machine)
    wanted, signatures = _wanted(expressions), _signatures(expressions)
    for index, expression in enumerate(expressions):
        event = _event(signatures.index(_signature(expression)))
        function = f"expression_{index}"
        before = (
            f"create function {SCHEMA}.{function}(self {SCHEMA}.self, "
            f"context {SCHEMA}.context, event {SCHEMA}.{event}) returns void language sql "
        )
        after = "\n)"
        if expression.type is None:
            before += "return (\n"
        else:
            target = _target(wanted.index(expression.type))
            before += f"begin atomic insert into {SCHEMA}.{target} values (\n"
            after = "\n); end"
        yield Probe(
            kind=Kind.EXPRESSION,
            text=expression.source,
            before=before,
            after=after,
            expression=expression,
            wants=expression.type,
            made=function,
        )


def _distinct(machine: Machine) -> tuple[Expression, ...]:
    """The expressions of a machine outside its columns, each once, in the file's order.

    In SCXML a value is converted to the type of its place when it gets there; and of what can only
    fail the compiler has told.
    """
    found = {
        (e.source.span, e.parts, e.type): e
        for value in (machine.authorize, machine.states, machine.output, _computed(machine))
        for e in _within(value)
    }
    if machine.errors == "fail":
        return tuple(found.values())
    known = (e for e in found.values() if FAILING not in "".join(map(str, e.parts)))
    return tuple(e if e.type in _KEPT else replace(e, type=None) for e in known)


def _computed(machine: Machine) -> tuple[Expression, ...]:
    """What migrations compute of the row as it was, and ask of it."""
    found = [one for version in (machine, *machine.back) for one in version.migrations]
    return (
        *(value for one in found for _, value in one.context),
        *(a for one in found if one.python for a in one.python.arguments),
        *(g for one in found for move in one.moves for g in move.guards),
    )


def _within(value: object) -> Iterator[Expression]:
    """Every expression inside a value of the model."""
    if isinstance(value, Expression):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _within(item)
    elif is_dataclass(value) and not isinstance(value, Span | Text):
        for field in fields(value):
            yield from _within(getattr(value, field.name))


Signature = tuple[tuple[str, str], ...]


def _signature(expression: Expression) -> Signature:
    """The fields of `event` that an expression reads, each with its type."""
    found = {_attribute(ref): ref for ref in expression.refs() if ref.space == "event"}
    read = ("data", "output", "error", "snapshot", "scxml")
    whole = {"type": "text", **dict.fromkeys(read, "jsonb")}
    typed = ((name, whole.get(name) or ref.type or "text") for name, ref in found.items())
    return tuple(sorted(typed))


def _attribute(ref: Ref) -> str:
    """The field of the record `event` that `plpgsql_name` reads a `Ref` from."""
    head, _, rest = ref.name.partition(".")
    return f"output_{rest}" if head == "output" and rest else head


def _attributes(signature: Signature) -> str:
    return ", ".join(f"{names.ident(name)} {type}" for name, type in signature)


def _signatures(expressions: tuple[Expression, ...]) -> tuple[Signature, ...]:
    return tuple(dict.fromkeys(map(_signature, expressions)))


def _wanted(expressions: tuple[Expression, ...]) -> tuple[str, ...]:
    """The types that expressions are wanted to have."""
    return tuple(dict.fromkeys(e.type for e in expressions if e.type is not None))


def _event(index: int) -> str:
    return f"event_{index}"


def _target(index: int) -> str:
    return f"value_{index}"


def _name(ref: Ref) -> str:
    """As in the generated code; `in_state` needs nothing of the runtime here."""
    if ref.space == "old":
        return f"(null::{ref.type})"
    if ref.space == "in_state":
        return "(cardinality(self.state) > 0)"
    return names.plpgsql_name(ref)


def _bare(ref: Ref) -> str:
    """As a column of the table that the check or default belongs to."""
    return names.ident(ref.name.removeprefix("output."))
