"""What a further version changes about its machine's table.

In: the machine, its fields in the columns that keep them, and what the table lacks. Out: one
`alter table`, whose lock is brief since it reads no row: a new column is null in the rows of older
versions, or has a constant default; what holds from this version on is a check that no row can
break yet. Then what may take long and stands in nobody's way: constraints to validate, indexes to
build concurrently.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pawlc.emit.indexes import indexes
from pawlc.lower.table import column, constraints
from pawlc.lower.target import Constraint
from pawlc.model.machine import Column, Machine
from pawlc.sql import Sql, as_column, ident, join, literal, sql


@dataclass(frozen=True, slots=True)
class Change:
    """What the table lacks.

    `added` fields have no column yet. `tightened` ones have one that could be null until now.
    `loosened` are columns that may be null from now on, each with the versions that always fill it.
    `defaulted` fields have another default.
    """

    added: tuple[Column, ...] = ()
    tightened: tuple[Column, ...] = ()
    loosened: tuple[tuple[str, tuple[int, ...]], ...] = ()
    defaulted: tuple[Column, ...] = ()


def evolve(machine: Machine, change: Change) -> Sql:
    """The statement that changes the table; empty if it lacks nothing."""
    changes = (
        *(part for name, _ in change.loosened for part in _loosen(name)),
        *(_add_column(field) for field in change.added),
        *(_default(field) for field in change.defaulted),
        *(part for one in _checks(machine, change) for part in _add(one)),
    )
    if not changes:
        return sql("")
    comments = [_comment(machine, field) for field in change.added]
    altered = sql("alter table {}\n  {};\n", _table(machine), join(",\n  ", changes))
    return join("", [altered, *comments])


def validations(machine: Machine, change: Change) -> tuple[tuple[str, Sql], ...]:
    """The constraints to validate, by name: that reads every row, beside readers and writers."""
    return tuple(
        (
            one.name,
            sql("alter table {} validate constraint {};\n", _table(machine), one.name),
        )
        for one in _checks(machine, change)
    )


def concurrent_indexes(machine: Machine) -> tuple[tuple[str, Sql], ...]:
    """The indexes that the machine asks for, by name, each built beside readers and writers."""
    return tuple(
        (name, Sql(made.replace("create index", "create index concurrently", 1)))
        for name, made in indexes(machine)
    )


def _table(machine: Machine) -> Sql:
    return ident(machine.schema, "instance")


def _is_there(field: Column) -> str:
    return f"{field.column}_is_there"


def _loosen(name: str) -> tuple[Sql, Sql]:
    return (
        sql("alter column {} drop not null", ident(name)),
        sql("drop constraint if exists {}", ident(f"{name}_is_there")),
    )


def _was_there(name: str, versions: tuple[int, ...]) -> Constraint:
    """What `not null` was, for the versions that said so."""
    numbers = join(", ", [sql("{}", number) for number in versions])
    condition = sql("check (version not in ({}) or {} is not null)", numbers, ident(name))
    return Constraint(ident(f"{name}_was_there"), condition)


def _add_column(field: Column) -> Sql:
    """A column that is added without reading the table: a computed default would be a rewrite."""
    bare = field if _has_default(field) else replace(field, not_null=False, default=None)
    made = column(bare)
    return sql("add column {} {}", made.name, made.definition)


def _has_default(field: Column) -> bool:
    """Whether rows of older versions have the default: not where they have a value elsewhere."""
    constant = field.default is not None and field.default.literal
    return constant and field.kept_in is None


def _default(field: Column) -> Sql:
    name = ident(field.column)
    if field.default is None:
        return sql("alter column {} drop default", name)
    return sql("alter column {} set default {}", name, as_column(field.default))


def _checks(machine: Machine, change: Change) -> Iterator[Constraint]:
    """The constraints of new columns, and where a field must have a value from this version on."""
    for field in change.added:
        for one in constraints(machine, field):
            yield Constraint(one.name, _from_version(machine, one.definition))
        if field.not_null and not _has_default(field):
            yield _present(machine, field)
    for field in change.tightened:
        yield _present(machine, field)
    for name, versions in change.loosened:
        yield _was_there(name, versions)


def _from_version(machine: Machine, definition: Sql) -> Sql:
    """A check that rows of older versions pass; a reference passes where it is null anyway."""
    if not definition.startswith("check "):
        return definition
    condition = Sql(definition.removeprefix("check "))
    return sql("check (version < {} or {})", machine.version, condition)


def _present(machine: Machine, field: Column) -> Constraint:
    return Constraint(
        ident(_is_there(field)),
        sql("check (version < {} or {} is not null)", machine.version, ident(field.column)),
    )


def _add(one: Constraint) -> tuple[Sql, Sql]:
    return (
        sql("drop constraint if exists {}", one.name),
        sql("add constraint {} {} not valid", one.name, one.definition),
    )


def _comment(machine: Machine, field: Column) -> Sql:
    """Which field a column keeps, where its name does not say it."""
    if field.kept_in is None:
        return sql("")
    says = literal(f"{field.name}, from version {machine.version} on")
    return sql("comment on column {}.{} is {};\n", _table(machine), ident(field.column), says)
