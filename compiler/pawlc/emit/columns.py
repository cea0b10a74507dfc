"""The columns that a further version adds to its machine's table, and those that it leaves out.

Rows of older versions get null or the default; a constraint of a new field is one of its column's
that they then satisfy, or Postgres refuses to add it. What is `not null` without a default is so
from this version on: a check that no row can break yet, so that it need not be validated.
"""

from dataclasses import replace

from pawlc.lower.table import column, constraints
from pawlc.lower.target import Constraint, TableColumn
from pawlc.model.machine import Column, Machine
from pawlc.sql import Sql, ident, join, sql


def evolve(machine: Machine, added: tuple[Column, ...], loosened: tuple[Column, ...]) -> Sql:
    """The statement that adds fields, with their constraints, and lets others be null.

    Empty without fields.
    """
    changes = (
        *(_column(column(_nullable(field))) for field in added),
        *(_constraint(one) for field in added for one in constraints(field)),
        *(_from_version(machine, field) for field in added if _is_strict(field)),
        *(change for field in loosened for change in _loosen(field)),
    )
    if not changes:
        return sql("")
    table = ident(machine.schema, "instance")
    return sql("alter table {}\n  {};\n", table, join(",\n  ", changes))


def _is_strict(field: Column) -> bool:
    return field.not_null and field.default is None


def _nullable(field: Column) -> Column:
    return replace(field, not_null=False) if _is_strict(field) else field


def _from_version(machine: Machine, field: Column) -> Sql:
    return sql(
        "add constraint {} check (version < {} or {} is not null) not valid",
        ident(_is_there(field)),
        machine.version,
        ident(field.name),
    )


def _loosen(field: Column) -> tuple[Sql, Sql]:
    """Older versions' functions still refuse null themselves."""
    return (
        sql("alter column {} drop not null", ident(field.name)),
        sql("drop constraint if exists {}", ident(_is_there(field))),
    )


def _is_there(field: Column) -> str:
    return f"{field.name}_is_there"


def _column(added: TableColumn) -> Sql:
    return sql("add column {} {}", added.name, added.definition)


def _constraint(added: Constraint) -> Sql:
    return sql("add constraint {} {}", added.name, added.definition)
