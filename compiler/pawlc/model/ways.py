"""Whether an instance comes to the same state by different ways.

From a version there may be a migration of its own, and one through a later version. Both lead
somewhere legal, since each covers every configuration; but where they lead to different states, an
instance's fate depends on when it is migrated.

Reported here: PW464, a warning.
"""

from collections.abc import Iterator, Mapping

from pawlc.diagnostics import Diagnostic, Severity
from pawlc.model.machine import Machine, Migration
from pawlc.model.moves import listed, shown


def differing(
    migrations: tuple[Migration, ...], earlier: Mapping[int, Machine]
) -> Iterator[Diagnostic]:
    """Compare each migration with the ways through the other versions that this one comes from."""
    for direct in migrations:
        for last in migrations:
            between = earlier[last.version]
            for first in between.migrations:
                if first.version == direct.version:
                    yield from _compared(direct, first, last, last.version)


def differing_back(
    targets: tuple[Machine, ...], earlier: Mapping[int, Machine]
) -> Iterator[Diagnostic]:
    """The same of the ways back: in one step, and through a version that has a way back itself."""
    for direct in targets:
        for between in targets:
            for last in earlier[between.version].back:
                if last.version == direct.version:
                    yield from _compared(
                        direct.migrations[0],
                        between.migrations[0],
                        last.migrations[0],
                        between.version,
                    )


def _compared(
    direct: Migration, first: Migration, last: Migration, between: int
) -> Iterator[Diagnostic]:
    """Where conditions decide, one state in common is enough."""
    found = [
        shown(before)
        for before in dict.fromkeys(move.before for move in direct.moves)
        if _ends(direct, {before}).isdisjoint(_ends(last, _ends(first, {before})))
    ]
    if found:
        yield Diagnostic(
            "PW464",
            f"from version {direct.version}, {listed(found)} would be elsewhere by version "
            f"{between}",
            direct.span,
            "another way",
            "`pawl migrate` takes this step; instances that are migrated before take the other",
            Severity.WARNING,
        )


def _ends(migration: Migration, befores: set[tuple[str, ...]]) -> set[tuple[str, ...]]:
    return {move.after for move in migration.moves if move.before in befores}
