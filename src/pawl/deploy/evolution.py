"""What a new version asks of the table that it shares with the deployed ones. Pure.

In: the machines of the deployed versions and the one to be deployed. Out: what the table lacks.
A version may add fields and leave fields out. One that it adds as `not null` without a default is a
column that older versions leave null; one that it leaves out stays for them. A field that changes
its type, default, check or reference would change what running instances are: it is refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pawl.deploy.errors import DeployRefused
from pawlc.expr.same import same_expressions, same_references, same_type
from pawlc.model.machine import Column, Expression, Machine


@dataclass(frozen=True, slots=True)
class Evolution:
    """The fields that the table lacks, and those whose column must take null from now on."""

    added: tuple[Column, ...] = ()
    loosened: tuple[Column, ...] = ()


MIGRATION = "keep the field as it is and add one with another name, which `migrate` computes"


def evolution(versions: tuple[Machine, ...], new: Machine) -> Evolution:
    """Compare with the deployed versions, the oldest first. Raises `DeployRefused`, naming every
    obstacle.
    """
    old = versions[-1]
    before = {column.name: column for version in versions for column in version.context}
    after = {column.name: column for column in new.context}
    obstacles = [
        text
        for name, column in after.items()
        if name in before
        for text in _changes(before[name], column)
    ]
    if obstacles:
        raise DeployRefused(
            f"version {new.version} of `{new.name}` does not fit the table of version "
            f"{old.version}: {'; '.join(obstacles)}",
            code="schema_evolution",
            hint=MIGRATION,
        )
    return Evolution(
        added=tuple(column for name, column in after.items() if name not in before),
        loosened=tuple(
            column
            for column in old.context
            if column.name not in after and column.not_null and column.default is None
        ),
    )


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
