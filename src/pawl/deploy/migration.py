"""Move the instances of deployed versions to another one, batch by batch.

In: a connection in autocommit mode. Out: what became of each batch. A batch is one statement and
one transaction, so a migration that is interrupted has lost nothing: it goes on where it was.
"""

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from pawl.deploy import registry
from pawl.deploy.deploy import read_version
from pawl.deploy.errors import DeployRefused
from pawlc.model.machine import Machine, Migration
from pawlc.model.resolve import resolve
from pawlc.parse import parse

BATCH = 50
"""Instances a call: each has a subtransaction, and a transaction with more than 64 is costly."""
Item = TypeVar("Item")
RATE = 1000
"""Instances a second: those who send meanwhile wait at most twice as long as otherwise."""

Connection = psycopg.Connection[Any]
Step = tuple[int, int]
Way = tuple[int, ...]
"""The versions that an instance goes through, its own first."""


@dataclass(frozen=True, slots=True)
class Migrated:
    """What became of an instance; `after` None: it stayed, for `reason`."""

    iid: int
    id: str
    before: list[str]
    after: list[str] | None
    timers: int
    effects: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class Choice:
    """Which instances, and whether only to tell what would become of them.

    `where` is an SQL condition over the row, as `condition` has passed it; `rescue` takes also
    those that a migration has left behind.
    """

    dry_run: bool = False
    id: str | None = None
    fraction: float = 1.0
    rescue: bool = False
    where: str | None = None


def steps(connection: Connection, machine: str, to: int, *, back: bool = False) -> tuple[Step, ...]:
    """The migrations that bring earlier versions to one, in the order in which to run them; or with
    `back` those that take later ones back to it.

    An instance that is several versions away goes through those between; a version that was never
    deployed here has none. Raises `DeployRefused`.
    """
    versions = registry.versions(connection, machine)
    live = {known.version for known in registry.live(versions)}
    if to not in live:
        connection.execute("select pawl.check_version(%s, %s)", (machine, to))
    found = _ways(connection, machine, to, live)
    chosen = tuple(step for step in found if (step[0] > to) == back)
    if chosen:
        return chosen
    if found and not back:
        raise _back_not_asked(machine, to, later(connection, machine, to))
    raise _no_way(machine, to, max(known.version for known in versions), back)


def later(connection: Connection, machine: str, to: int) -> dict[int, int]:
    """How many instances each later version has of which some could go back to this one."""
    live = {known.version for known in registry.live(registry.versions(connection, machine))}
    sources = sorted(before for before, _ in _ways(connection, machine, to, live) if before > to)
    return {version: waiting(connection, machine, version) for version in sources}


def _ways(connection: Connection, machine: str, to: int, live: set[int]) -> tuple[Step, ...]:
    """The steps between versions that are here which lead to one, from whichever side."""
    known = known_steps(connection, machine)
    return towards(to, {step for step in known if live.issuperset(step)})


def _back_not_asked(machine: str, to: int, counts: Mapping[int, int]) -> DeployRefused:
    """Why nobody goes back by mistake: whoever brings instances on may have the number wrong."""
    told = ", ".join(f"{number} of version {version}" for version, number in counts.items())
    return DeployRefused(
        f"only later versions of `{machine}` lead to version {to}, and have instances: {told}",
        code="back_not_asked",
        detail={"machine": machine, "to": to, "instances": dict(counts)},
        hint="`--back` takes these back",
    )


def _no_way(machine: str, to: int, newest: int, back: bool) -> DeployRefused:
    """Why nothing can be moved to a version, and what would help."""
    if back and to == newest:
        message = f"`{machine}` has no version later than {to}, to come back from"
        hint = f"`pawl migrate {machine} --to {to}` brings earlier ones on"
    elif to == newest:
        message = f"no version of `{machine}` migrates to version {to}"
        hint = f"write `migrate: {{ … }}` into version {to}"
    else:
        message = f"no version of `{machine}` migrates to version {to}, or back to it"
        hint = (
            f"a version says itself how to go back, `migrate: {{ {to}: {{ back: … }} }}`; where "
            f"none does, let a version {newest + 1} be as {to} was, and migrate from {newest}"
        )
    return DeployRefused(message, code="no_migration", hint=hint)


def known_steps(connection: Connection, machine: str) -> set[Step]:
    """From which version to which a deployed one migrates."""
    rows = connection.execute(
        "select p.proname from pg_catalog.pg_proc as p"
        " join pawl.machine as m on p.pronamespace = m.schema_name::regnamespace"
        " where m.name = %s and p.proname ~ '^v[0-9]+_migrate_from_[0-9]+$'",
        (machine,),
    ).fetchall()
    found = (re.findall(r"\d+", row[0]) for row in rows)
    return {(int(before), int(after)) for after, before in found}


def towards(to: int, known: set[Step]) -> tuple[Step, ...]:
    """The shortest way from every version that has one, the farthest first.

    Nobody goes back in order to go on, nor on in order to go back.

    >>> towards(3, {(1, 2), (2, 3), (3, 2)})
    ((1, 2), (2, 3))
    >>> towards(3, {(1, 2), (2, 3), (1, 3)})
    ((2, 3), (1, 3))
    >>> towards(1, {(1, 2), (2, 3), (3, 2), (2, 1)})
    ((3, 2), (2, 1))
    >>> towards(3, {(2, 1), (1, 3)})
    ((1, 3),)
    """
    reached, near = {to}, [to]
    found: list[Step] = []
    while near:
        here = near.pop(0)
        sources = (b for b, after in known if after == here and _is_between(b, here, to))
        for before in sorted(b for b in sources if b not in reached):
            reached.add(before)
            found.insert(0, (before, here))
            near.append(before)
    return tuple(found)


def ways(steps: Iterable[Step]) -> tuple[Way, ...]:
    """The whole way of each version that has one.

    >>> ways(((1, 2), (2, 3)))
    ((1, 2, 3), (2, 3))
    """
    next = dict(steps)

    def way(version: int) -> Way:
        return (version, *way(next[version])) if version in next else (version,)

    return tuple(way(version) for version in next)


def _is_between(before: int, here: int, to: int) -> bool:
    return before < here <= to or to <= here < before


def batches(
    connection: Connection, machine: str, way: Way, choice: Choice, size: int = BATCH
) -> Iterator[list[Migrated]]:
    """Migrate the instances of one version, a batch at a time, until there are no more.

    They take the first step of their way; a dry run tells of all.
    """
    step = way[0], way[1]
    after = 0
    while True:
        iids = _chosen(connection, machine, step[0], choice, after, size)
        if iids == []:
            return
        if choice.dry_run:
            batch = _previewed(connection, machine, way, choice, after, size, iids)
        elif iids is None:
            batch = _migrate(connection, machine, step, choice, after, size, iids)
        else:
            batch = _migrate_those(connection, machine, step, choice, after, size, iids)
        if batch:
            yield batch
        elif iids is None:
            return
        after = iids[-1] if iids else batch[-1].iid


def paced(batches: Iterator[list[Item]], rate: int | None) -> Iterator[list[Item]]:
    """Wait after each batch, so that no more than `rate` rows a second are moved."""
    begun = time.monotonic()
    for batch in batches:
        yield batch
        if rate is not None:
            time.sleep(max(0.0, len(batch) / rate - (time.monotonic() - begun)))
        begun = time.monotonic()


def _migrate(
    connection: Connection,
    machine: str,
    step: Step,
    choice: Choice,
    after: int,
    size: int,
    iids: list[int] | None,
) -> list[Migrated]:
    with connection.cursor(row_factory=class_row(Migrated)) as cursor:
        cursor.execute(
            "select * from pawl.migrate_instances(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                machine,
                *step,
                size,
                after,
                choice.dry_run,
                choice.id,
                choice.fraction,
                choice.rescue,
                iids,
            ),
        )
        return cursor.fetchall()


def _previewed(
    connection: Connection,
    machine: str,
    way: Way,
    choice: Choice,
    after: int,
    size: int,
    iids: list[int] | None,
) -> list[Migrated]:
    """What would become of the next instances at the end of their way."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        first = _migrate(connection, machine, (way[0], way[1]), choice, after, size, iids)
        if len(way) == 2 or not first:
            return first
        with connection.cursor(row_factory=class_row(Migrated)) as cursor:
            cursor.execute(
                "select * from pawl.preview_migration(%s, %s, %s)",
                (machine, list(way), [one.iid for one in first]),
            )
            return cursor.fetchall()


def _migrate_those(
    connection: Connection,
    machine: str,
    step: Step,
    choice: Choice,
    after: int,
    size: int,
    iids: list[int],
) -> list[Migrated]:
    """Migrate those of which the condition is still true when they are locked."""
    with connection.transaction():
        connection.execute("select pawl.lock_running(%s, %s, %s)", (machine, step[0], iids))
        still = _chosen(connection, machine, step[0], choice, after, size, iids)
        return _migrate(connection, machine, step, choice, after, size, still)


def _chosen(
    connection: Connection,
    machine: str,
    version: int,
    choice: Choice,
    after: int,
    size: int,
    among: list[int] | None = None,
) -> list[int] | None:
    """The next instances that `where` names, of all or `among` some; None without one.

    Asked with the caller's own rights, in a transaction that cannot write (or a part of one, which
    is rolled back): the functions that migrate run with the owner's, and must see no text of his.
    """
    if choice.where is None:
        return None
    with connection.transaction(force_rollback=True):
        connection.execute("set transaction read only")
        rows = connection.execute(
            sql.SQL(
                "select i.iid from {} as i where i.version = %s and i.iid > %s"
                " and (%s::bigint[] is null or i.iid = any (%s))"
                " and i.status in ('running', 'paused') and ({}) order by i.iid limit %s"
            ).format(_table(machine), _written(choice.where)),
            (version, after, among, among, size),
        ).fetchall()
    return [iid for (iid,) in rows]


def _written(condition: str) -> sql.SQL:
    """A condition in the text of a query that has parameters."""
    return sql.SQL(condition.replace("%", "%%"))  # type: ignore[arg-type, unused-ignore]


def _table(machine: str) -> sql.Identifier:
    return sql.Identifier(f"pawl_{machine}", "instance")


def waiting(connection: Connection, machine: str, version: int) -> int:
    """How many instances of a version run or are paused."""
    query = sql.SQL(
        "select count(*) from {} where version = %s and status in ('running', 'paused')"
    )
    row = connection.execute(query.format(_table(machine)), (version,)).fetchone()
    return int(row[0]) if row else 0


def plan(
    connection: Connection, machine: str, to: int, *, back: bool = False
) -> tuple[tuple[Machine, Migration], ...]:
    """The migrations that lead to a version, in the order in which they run, each with the version
    that it leads to, from their sources. Raises `DeployRefused`."""
    chosen = steps(connection, machine, to, back=back)
    versions = {known.version: known for known in registry.versions(connection, machine)}
    before = {number: read_version(machine, known) for number, known in versions.items()}
    after = {
        number: _resolved(machine, versions[number], before) for one in chosen for number in one
    }
    return tuple(
        found for version, number in chosen for found in _between(after[version], after[number])
    )


def _between(before: Machine, after: Machine) -> Iterator[tuple[Machine, Migration]]:
    """The migration from one version to another, by the definition of the later one."""
    for target in (after, *before.back):
        for one in target.migrations:
            if (one.version, target.version) == (before.version, after.version):
                yield target, one


def _resolved(machine: str, known: registry.Registered, before: Mapping[int, Machine]) -> Machine:
    """A version, or what a version of an SCXML document invokes."""
    written, _ = parse(known.source, known.definition_file, known.impl)
    assert written is not None
    family = {one.name.value: one for one in (written, *written.children)}
    return resolve(family[machine], known.companion, before)[0]
