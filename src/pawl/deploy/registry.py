"""The tables `pawl.machine`, `pawl.version` and `pawl.effect_policy`: who is deployed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from pawl import __version__
from pawl.deploy.errors import DeployRefused
from pawl.deploy.install import LOCK, installed_api_schema
from pawlc.compile import Compiled
from pawlc.model.machine import Kind, Machine

LOCK_SECONDS = 30  # for another deploy to end
Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Registered:
    """A row of `pawl.version`; one that is `collected` has no functions any more.

    `columns` are those of fields that are kept under another name, `dropped` those that were of no
    more use when it was collected.
    """

    version: int
    hash: str
    source: str
    companion: str | None
    impl: str | None
    definition_file: str
    sql: str | None
    columns: Mapping[str, str]
    collected: bool
    dropped: list[str]
    lazily_to: int | None = None


def lock(connection: Connection) -> None:
    """Wait for other deploys and installs; refuse if there is nothing to deploy into."""
    if installed_api_schema(connection) is None:
        raise DeployRefused(
            "this database has no Pawl runtime",
            code="not_installed",
            hint="install it with `pawl init`",
        )
    connection.execute(f"set local lock_timeout = '{LOCK_SECONDS} s'".encode())
    try:
        connection.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
    except psycopg.errors.LockNotAvailable as error:
        raise in_progress() from error


def in_progress() -> DeployRefused:
    """Why a deploy gives up in favour of another one."""
    return DeployRefused(
        "another deploy is running in this database",
        code="deploy_in_progress",
        hint="try again when it has ended",
    )


def versions(connection: Connection, machine: str) -> tuple[Registered, ...]:
    """Return the deployed versions of a machine, the oldest first."""
    with connection.cursor(row_factory=class_row(Registered)) as cursor:
        cursor.execute(
            "select version, hash, source, companion, impl, definition_file, sql, columns,"
            " collected_at is not null as collected, dropped, lazily_to"
            " from pawl.version where machine = %s order by version",
            (machine,),
        )
        return tuple(cursor.fetchall())


def live(versions: Iterable[Registered]) -> tuple[Registered, ...]:
    """The versions that have their functions."""
    return tuple(known for known in versions if not known.collected)


def lazy(versions: Iterable[Registered]) -> tuple[tuple[int, int], ...]:
    """The migrations that instances go through when they are touched, the farthest first."""
    found = [(known.version, known.lazily_to) for known in versions if known.lazily_to]
    onward = [step for step in found if step[0] < step[1]]
    return (*onward, *reversed([step for step in found if step not in onward]))


def current(connection: Connection, machine: str) -> Registered:
    """Return the version that new instances of a deployed machine take."""
    row = connection.execute(
        "select current_version from pawl.machine where name = %s", (machine,)
    ).fetchone()
    assert row is not None, "only a deployed machine has a current version"
    return next(known for known in versions(connection, machine) if known.version == row[0])


def journal(connection: Connection, machine: str, version: int, type: str, **event: object) -> None:
    """Say in the journal what somebody did to the machine as a whole: `iid` 0 is no instance's.

    In the transaction that does it, as the owner; `caller` is who logged in.
    """
    connection.execute(
        "insert into pawl.journal (machine, iid, version, seq, state, event, caller, trusted)"
        " values (%s, 0, %s, 0, '{}', %s, session_user, true)",
        (machine, version, Jsonb({"type": type, **event})),
    )


def machines(connection: Connection) -> tuple[str, ...]:
    """Return the names of all deployed machines, in the order of their bytes."""
    rows = connection.execute('select name from pawl.machine order by name collate "C"')
    return tuple(row[0] for row in rows)


def register(connection: Connection, compiled: Compiled, columns: Mapping[str, str]) -> None:
    """Record a version, its effects' policies, and that it is the current one."""
    machine = compiled.machine
    connection.execute(
        "insert into pawl.machine (name, current_version, schema_name) values (%s, %s, %s)"
        " on conflict (name) do update"
        " set current_version = excluded.current_version, preparing = null",
        (machine.name, machine.version, machine.schema),
    )
    connection.execute(
        "insert into pawl.version (machine, version, hash, source, companion, impl, sql,"
        " definition_file, compiler, strict, events, states, retention, columns)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            machine.name,
            machine.version,
            compiled.hash,
            compiled.source,
            compiled.companion,
            compiled.impl,
            compiled.sql,
            machine.file,
            __version__,
            machine.strict,
            [event.name for event in machine.events],
            list(leaves(machine)),
            machine.retention,
            Jsonb(dict(columns)),
        ),
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into pawl.effect_policy"
            " (machine, version, effect, timeout, attempts, backoff_first, backoff_most,"
            " not_retried, heartbeat, start_within, priority, slots, slots_per,"
            " rate, rate_per, rate_by)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    machine.name,
                    machine.version,
                    effect.name,
                    effect.timeout,
                    effect.attempts,
                    effect.backoff_first,
                    effect.backoff_most,
                    list(effect.not_retried),
                    effect.heartbeat,
                    effect.start_within,
                    effect.priority,
                    effect.slots,
                    effect.slots_per,
                    effect.rate,
                    effect.rate_per,
                    effect.rate_by,
                )
                for effect in machine.effects
            ],
        )


def replace(connection: Connection, compiled: Compiled) -> None:
    """Record that another compiler has made a version's functions anew."""
    machine = compiled.machine
    connection.execute(
        "update pawl.version set sql = %s, compiler = %s where machine = %s and version = %s",
        (compiled.sql, __version__, machine.name, machine.version),
    )


def leaves(machine: Machine) -> tuple[str, ...]:
    """Return the paths that can be a leaf of a configuration, in document order."""
    return tuple(state.path for state in machine.states if state.kind in (Kind.ATOMIC, Kind.FINAL))
