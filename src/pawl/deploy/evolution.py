"""What a new version asks of the table that it shares with the deployed ones. Pure.

In: the machine of the newest deployed version and the one to be deployed. Out: the columns to add.
A version may add fields that the rows of older versions can live with: nullable, or with a default.
Anything else would change what running instances are, and is refused until migrations can do it.
"""

from collections.abc import Iterator

from pawl.deploy.errors import DeployRefused
from pawlc.expr.same import same_expressions, same_references, same_type
from pawlc.model.machine import Column, Expression, Machine

MIGRATION = "keep the field as it is and add a new one beside it: migrations are not built yet"


def added_columns(old: Machine, new: Machine) -> tuple[Column, ...]:
    """Return the fields that the table lacks. Raises `DeployRefused` naming every obstacle."""
    before = {column.name: column for column in old.context}
    after = {column.name: column for column in new.context}
    obstacles = [
        *(f"field `{name}` is gone" for name in before if name not in after),
        *(
            text
            for name, column in after.items()
            for text in (_changes(before[name], column) if name in before else _too_strict(column))
        ),
    ]
    if obstacles:
        raise DeployRefused(
            f"version {new.version} of `{new.name}` does not fit the table of version "
            f"{old.version}: {'; '.join(obstacles)}",
            code="schema_evolution",
            hint=MIGRATION,
        )
    return tuple(column for name, column in after.items() if name not in before)


def _too_strict(column: Column) -> Iterator[str]:
    if column.not_null and column.default is None:
        yield f"new field {_place(column)} is `not null` without a default"


def _changes(old: Column, new: Column) -> Iterator[str]:
    where = f"field {_place(new)}"
    if not same_type(old, new):
        yield f"{where} is `{_type(new)}`, it was `{_type(old)}`"
    if old.not_null != new.not_null:
        yield f"{where} {'is now' if new.not_null else 'is no longer'} `not null`"
    if not same_expressions(_default(old), _default(new)):
        yield f"{where} has another default"
    if not _same_checks(old, new):
        yield f"{where} has another check"
    if not same_references(old.references, new.references):
        yield f"{where} has other references"


def _same_checks(old: Column, new: Column) -> bool:
    named = [check.name for check in old.checks] == [check.name for check in new.checks]
    before, after = (tuple(check.expression for check in c.checks) for c in (old, new))
    return named and same_expressions(before, after)


def _default(column: Column) -> tuple[Expression, ...]:
    return () if column.default is None else (column.default,)


def _type(column: Column) -> str:
    return column.type if column.collate is None else f"{column.type} collate {column.collate}"


def _place(column: Column) -> str:
    """Name a field and its line: `` `total` (order.machine.yaml:5) ``."""
    span = column.source.span
    return f"`{column.name}` ({span.file}:{span.start.line})"
