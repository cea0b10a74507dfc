"""What a new version asks of the table that it shares with the deployed ones. Pure.

In: the machines of the deployed versions, each with the columns that keep its fields, and the one
to be deployed. Out: what the table lacks, and the columns of the new version's fields. A field that
is what it was in some version shares that version's column. One of another type, check or reference
gets a column of its own, so that running instances keep what they have, and a migration copies or
computes. Nullness and default may change in place.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from pawlc.emit.columns import Change
from pawlc.expr.same import same_expressions, same_references, same_type
from pawlc.model.machine import Column, Expression, Machine

LONGEST = 40
"""Bytes of a field's name in that of its column, which takes constraints' names with it."""


NOTHING = Change()


@dataclass(frozen=True, slots=True)
class Evolution:
    """What the table lacks; `columns` are those of fields that are kept under another name."""

    change: Change = NOTHING
    columns: Mapping[str, str] = field(default_factory=dict)


def evolution(versions: tuple[Machine, ...], new: Machine) -> Evolution:
    """Compare with the deployed versions, the oldest first."""
    columns = placement(versions, new)
    placed = tuple(replace(c, kept_in=columns[c.name]) for c in new.context)
    known = {c.column: c for version in versions for c in version.context}
    newest = {c.column: c for c in versions[-1].context} if versions else {}
    return Evolution(
        change=Change(
            added=tuple(_named(c) for c in placed if c.column not in known),
            tightened=tuple(_named(c) for c in placed if _is_tightened(c, known, newest)),
            loosened=tuple(_loosened(versions, newest, placed)),
            defaulted=tuple(
                _named(c)
                for c in placed
                if c.column in known and not _same_default(known[c.column], c)
            ),
        ),
        columns={name: column for name, column in columns.items() if name != column},
    )


def _named(column: Column) -> Column:
    """Without the other name, where it is none."""
    return replace(column, kept_in=None) if column.kept_in == column.name else column


def placement(versions: tuple[Machine, ...], new: Machine) -> dict[str, str]:
    """The column of each field: that of the latest version where it was the same, else a new one.

    A check may speak of other fields: such a field shares a column only where those do too.
    """
    shared: dict[str, str | None] = {c.name: None for c in new.context}
    for one in (*new.context, *new.context):
        shared[one.name] = next(_candidates(versions, one, shared), None)
    while lost := [c for c in new.context if not _agrees(versions, c, shared)]:
        shared |= {c.name: None for c in lost}
    taken = {c.column for version in versions for c in version.context}
    return {name: column or _free(name, new.version, taken) for name, column in shared.items()}


def _candidates(
    versions: tuple[Machine, ...], column: Column, shared: Mapping[str, str | None]
) -> Iterator[str]:
    """The columns of versions in which the field was the same, the latest first.

    One in which its check meant the fields that are shared comes before all others.
    """
    same = [
        (version, one)
        for version in reversed(versions)
        for one in version.context
        if one.name == column.name and _is_same(one, column)
    ]
    yield from (one.column for version, one in same if _means(version, column, shared))
    yield from (one.column for _, one in same)


def _agrees(
    versions: tuple[Machine, ...], column: Column, shared: Mapping[str, str | None]
) -> bool:
    """Whether a field is alone in its column, or its check means the same there as it did."""
    place = shared[column.name]
    owners = [v for v in versions if any(c.column == place for c in v.context)]
    return place is None or any(_means(owner, column, shared) for owner in owners)


def _means(version: Machine, column: Column, shared: Mapping[str, str | None]) -> bool:
    """Whether the check of a field speaks of the same columns as in an earlier version."""
    spoken_of = {ref.name for check in column.checks for ref in check.expression.refs()}
    return all(shared.get(n) == version.column_of(n) for n in spoken_of - {column.name})


def _is_same(old: Column, new: Column) -> bool:
    return (
        same_type(old, new)
        and _same_checks(old, new)
        and same_references(old.references, new.references)
    )


def _free(field: str, version: int, taken: set[str]) -> str:
    """A column for a field: of its name, or where an earlier version's has that, one more; take it.

    >>> _free("total", 2, {"total"}), _free("total", 2, set())
    ('total_2', 'total')
    """
    name = field
    if name in taken:
        name = f"{field.encode()[:LONGEST].decode(errors='ignore')}_{version}"
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _is_tightened(
    column: Column, known: Mapping[str, Column], newest: Mapping[str, Column]
) -> bool:
    """Whether a column that is there may be null so far, and the field may not."""
    if column.column not in known or not column.not_null:
        return False
    before = newest.get(column.column)
    return before is None or not before.not_null


def _loosened(
    versions: tuple[Machine, ...], newest: Mapping[str, Column], placed: tuple[Column, ...]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The columns that the newest version fills always, and this one not; and who does."""
    strict = {column.column for column in placed if column.not_null}
    for name, one in newest.items():
        if one.not_null and name not in strict:
            yield name, tuple(v.version for v in versions if _fills(v, name))


def _fills(version: Machine, column: str) -> bool:
    return any(c.column == column and c.not_null for c in version.context)


def _same_default(old: Column, new: Column) -> bool:
    return same_expressions(_default(old), _default(new))


def _same_checks(old: Column, new: Column) -> bool:
    named = [check.name for check in old.checks] == [check.name for check in new.checks]
    before, after = (tuple(check.expression for check in c.checks) for c in (old, new))
    return named and same_expressions(before, after)


def _default(column: Column) -> tuple[Expression, ...]:
    return () if column.default is None else (column.default,)
