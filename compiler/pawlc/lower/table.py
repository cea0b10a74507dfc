"""The instance table: one row an instance, one typed column a context field.

Static constraints are Postgres's own, so not even the owner can store what the chart forbids.
"""

from pawlc.lower.target import Constraint, Table, TableColumn
from pawlc.model.machine import Column, Machine
from pawlc.sql import Sql, as_column, ident, sql, typename

# No check on `status`: only literals of ours are ever stored there, and Postgres parses the checks
# of a table anew in each statement, this one for 8 µs (bench/README.md).
SYSTEM = (
    ("iid", "bigint generated always as identity", "internal key; locks are taken in its order"),
    ("id", 'text collate "C" not null', "the name that its creator gave it"),
    ("version", "integer not null", "of the machine"),
    ("state", "text[] not null", "paths of the active leaves, in document order"),
    ("status", "text not null", "running, done, failed, paused or stopped"),
    ("seq", "bigint not null", "macrosteps so far"),
    ("created_at", "timestamptz not null", None),
    ("updated_at", "timestamptz not null", None),
    ("timers", "jsonb not null", "live timers: name -> seq of the macrostep that set it"),
    ("invokes", "jsonb not null", "live invokes: id -> seq of the macrostep that started it"),
    ("history", "jsonb not null", "what history states remember"),
    ("output", "jsonb", "the result of an instance that is done"),
    ("needs_rescue", "text", "why a migration left it where it is"),
)
"""The columns that every machine has: name, definition, comment."""


def table(machine: Machine) -> Table:
    """The instance table as the first deploy creates it."""
    system = (TableColumn(ident(n), typename(d), c) for n, d, c in SYSTEM)
    return Table(
        name=ident(machine.schema, "instance"),
        columns=(*system, *(column(c) for c in machine.context)),
        constraints=(
            Constraint(ident("instance_pkey"), sql("primary key (iid)")),
            Constraint(ident("id_is_unique"), sql("unique (id)")),
            *(c for field in machine.context for c in constraints(field)),
        ),
        comment=machine.description or f"Instances of {machine.name}",
    )


def column(field: Column) -> TableColumn:
    """A context field as a column."""
    definition = typename(field.type)
    if field.collate is not None:
        definition = sql("{} collate {}", definition, typename(field.collate))
    if field.not_null:
        definition = sql("{} not null", definition)
    if field.default is not None:
        definition = sql("{} default {}", definition, as_column(field.default))
    return TableColumn(ident(field.name), definition)


def constraints(field: Column) -> tuple[Constraint, ...]:
    """The checks and the reference of a context field."""
    found = []
    for number, check in enumerate(field.checks, start=1):
        plain = f"{field.name}_check" if number == 1 else f"{field.name}_check_{number}"
        found.append(
            Constraint(ident(check.name or plain), sql("check ({})", as_column(check.expression)))
        )
    if field.references is not None:
        found.append(Constraint(ident(f"{field.name}_fkey"), _foreign_key(field, field.references)))
    return tuple(found)


def _foreign_key(field: Column, references: str) -> Sql:
    return sql("foreign key ({}) references {}", ident(field.name), typename(references))
