"""The instance table: one row an instance, one typed column a context field.

Static constraints are Postgres's own, so not even the owner can store what the chart forbids.
"""

from pawlc.lower.target import Constraint, Table, TableColumn
from pawlc.model.machine import Check, Column, Machine, Ref
from pawlc.sql import Sql, as_column, ident, rendered_by, sql, typename

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
            *(c for field in machine.context for c in constraints(machine, field)),
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
    return TableColumn(ident(field.column), definition)


def constraints(machine: Machine, field: Column) -> tuple[Constraint, ...]:
    """The checks and the reference of a context field."""
    found = []
    for number, check in enumerate(field.checks, start=1):
        plain = f"{field.column}_check" if number == 1 else f"{field.column}_check_{number}"
        found.append(Constraint(_name(field, check.name, plain), _check(machine, check)))
    if field.references is not None:
        name = ident(f"{field.column}_fkey")
        found.append(Constraint(name, _foreign_key(field, field.references)))
    return tuple(found)


def _name(field: Column, given: str | None, plain: str) -> Sql:
    """A constraint that has the name of an earlier version's is called after its column too."""
    if given is None:
        return ident(plain)
    return ident(given if field.kept_in is None else f"{given}_{field.kept_in}")


def _check(machine: Machine, check: Check) -> Sql:
    return sql("check ({})", rendered_by(check.expression, lambda ref: _column(machine, ref)))


def _column(machine: Machine, ref: Ref) -> str:
    return ident(machine.column_of(ref.name))


def _foreign_key(field: Column, references: str) -> Sql:
    return sql("foreign key ({}) references {}", ident(field.column), typename(references))
