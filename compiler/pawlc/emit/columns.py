"""The columns that a further version adds to its machine's table.

Rows of older versions get null or the default; a constraint of a new field is one of its column's
that they then satisfy, or Postgres refuses to add it.
"""

from pawlc.lower.table import column, constraints
from pawlc.lower.target import Constraint, TableColumn
from pawlc.model.machine import Column, Machine
from pawlc.sql import Sql, ident, join, sql


def add_columns(machine: Machine, fields: tuple[Column, ...]) -> Sql:
    """The statement that adds fields, with their constraints; empty without fields."""
    if not fields:
        return sql("")
    added = (
        *(_column(column(field)) for field in fields),
        *(_constraint(one) for field in fields for one in constraints(field)),
    )
    table = ident(machine.schema, "instance")
    return sql("alter table {}\n  {};\n", table, join(",\n  ", added))


def _column(added: TableColumn) -> Sql:
    return sql("add column {} {}", added.name, added.definition)


def _constraint(added: Constraint) -> Sql:
    return sql("add constraint {} {}", added.name, added.definition)
