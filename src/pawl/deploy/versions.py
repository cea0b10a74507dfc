"""What becomes of deployed versions: which is the current one, mended functions, those unused.

In: a connection of somebody who may act as `pawl_owner`. Each function is one transaction under
the advisory lock of deploys, and changes no instance.
"""

from typing import Any

import psycopg
from psycopg import sql

from pawl.deploy import access, difference, migration, realtime, registry
from pawl.deploy.deploy import (
    Deployment,
    drop_functions,
    drop_stray_migrations,
    in_columns,
    read_version,
    run_script,
)
from pawl.deploy.errors import DeployRefused
from pawl.deploy.install import acting_as_owner, installed_api_schema
from pawl.deploy.registry import Registered
from pawlc.compile import Compiled
from pawlc.emit.scripts import machine_functions

Connection = psycopg.Connection[Any]

FUNCTIONS = """\
select p.oid::regprocedure::text
from pg_catalog.pg_proc as p
join pawl.machine as m on p.pronamespace = m.schema_name::regnamespace
cross join lateral (
  select substring(p.proname from '^v([0-9]+)_')::int,
    substring(p.proname from '^v[0-9]+_migrate(?:_batch)?_from_([0-9]+)$')::int
) as of (version, source)
where m.name = %(machine)s
  and case
    when %(sources)s then %(version)s in (of.version, of.source)
    else greatest(of.version, of.source) = %(version)s
  end
"""
"""The functions that a version's definition says, those by which instances go back included; with
`sources` all that have to do with it."""


def make_current(connection: Connection, name: str, version: int) -> None:
    """Let new instances take a version that is deployed; views and replies follow it.

    Raises `DeployRefused`.
    """
    with connection.transaction():
        registry.lock(connection)
        known = _live(connection, name)
        if version not in known:
            connection.execute("select pawl.check_version(%s, %s)", (name, version))
        before = registry.current(connection, name).version
        with acting_as_owner(connection):
            connection.execute(
                "update pawl.machine set current_version = %s where name = %s", (version, name)
            )
            registry.journal(connection, name, version, "pawl.current", **{"from": before})
            _share(connection, name, known, version)
        realtime.follow(connection, read_version(name, known[version]))


def regenerate(connection: Connection, compiled: Compiled, *, dry_run: bool = False) -> Deployment:
    """Put a version's functions in place anew, from the same definition: the compiler was mended.

    Raises `DeployRefused` if the version is not deployed, or with another definition.
    """
    machine = compiled.machine
    with connection.transaction(force_rollback=dry_run):
        registry.lock(connection)
        for child in compiled.children:
            regenerate(connection, child)
        known = _live(connection, machine.name)
        before = known.get(machine.version)
        if before is None:
            raise DeployRefused(
                f"version {machine.version} of `{machine.name}` is not deployed",
                code="version_absent",
                detail={"machine": machine.name, "version": machine.version},
                hint="deploy it, without --regenerate",
            )
        if before.hash != compiled.hash:
            raise DeployRefused(
                f"version {machine.version} of `{machine.name}` is deployed with another "
                "definition",
                code="version_exists",
                detail={"machine": machine.name, "version": machine.version},
                hint="regenerate from the source that was deployed: deploy keeps it in versions/",
            )
        compiled = in_columns(compiled, tuple(known.values()), before.columns)
        _put_anew(connection, compiled, known)
    diff = difference.between(before, compiled) if dry_run else ""
    return Deployment(machine.name, machine.version, compiled.hash, "regenerated", (), diff)


def _put_anew(connection: Connection, compiled: Compiled, known: dict[int, Registered]) -> None:
    """Replace the functions; drop those that the newer compiler no longer makes."""
    machine = compiled.machine
    names = {"machine": machine.name, "version": machine.version, "sources": False}
    run_script(connection, compiled.python)
    with acting_as_owner(connection):
        run_script(connection, compiled.functions)
        left = connection.execute(
            f"{FUNCTIONS}  and p.xmin <> pg_current_xact_id()::xid".encode(), names
        ).fetchall()
        registry.replace(connection, compiled)
        registry.journal(connection, machine.name, machine.version, "pawl.regenerate")
        _share(connection, machine.name, known, registry.current(connection, machine.name).version)
        drop_functions(connection, [signature for (signature,) in left])
        drop_stray_migrations(connection, machine.name)


def migrate_lazily(
    connection: Connection, name: str, to: int, *, lazily: bool = True, back: bool = False
) -> tuple[migration.Step, ...]:
    """Let instances go to a version when they are touched next, or no longer; by which steps.

    Raises `DeployRefused`.
    """
    with connection.transaction():
        registry.lock(connection)
        steps = migration.steps(connection, name, to, back=back)
        with acting_as_owner(connection):
            if lazily:
                connection.execute(
                    "update pawl.version set lazily_to = null where machine = %s and version = %s",
                    (name, to),
                )
            for before, after in steps:
                connection.execute(
                    "update pawl.version set lazily_to = %s where machine = %s and version = %s",
                    (after if lazily else None, name, before),
                )
                registry.journal(connection, name, before, "pawl.lazy", to=after, lazy=lazily)
            _share(
                connection,
                name,
                _live(connection, name),
                registry.current(connection, name).version,
            )
    return steps


def collect(connection: Connection, name: str, *, dry_run: bool = False) -> tuple[int, ...]:
    """Drop the functions of versions that no instance has and none needs on its way; which.

    Their rows in `pawl.version` and the policies of their effects stay, for the journal and for
    effects that are under way. Writers wait while it looks, for at most as long as a scan takes.
    """
    with connection.transaction():
        registry.lock(connection)
        known = _live(connection, name)
        current = registry.current(connection, name).version
        unused = _unused(connection, name, known, current)
        if dry_run or not unused:
            return unused
        table = sql.Identifier(f"pawl_{name}", "instance")
        connection.execute(sql.SQL("lock table {} in share mode").format(table))
        unused = _unused(connection, name, known, current)
        with acting_as_owner(connection):
            for version in unused:
                del known[version]
            _share(connection, name, known, current)
            for version in unused:
                names = {"machine": name, "version": version, "sources": True}
                rows = connection.execute(FUNCTIONS.encode(), names).fetchall()
                drop_functions(connection, [signature for (signature,) in rows])
                registry.journal(connection, name, version, "pawl.collect")
            connection.execute(
                "update pawl.version set collected_at = clock_timestamp(), lazily_to = null"
                " where machine = %s and version = any (%s)",
                (name, list(unused)),
            )
    return unused


def _unused(
    connection: Connection, name: str, known: dict[int, Registered], current: int
) -> tuple[int, ...]:
    """The versions without instances, but for those that others go through to the current one."""
    table = sql.Identifier(f"pawl_{name}", "instance")
    there = sql.SQL("select exists (select from {} where version = %s)").format(table)
    used = {
        version for version in known if connection.execute(there, (version,)).fetchone() != (False,)
    }
    next = dict(migration.towards(current, migration.known_steps(connection, name)))
    for version in tuple(used):
        while version in next:
            version = next[version]
            used.add(version)
    return tuple(version for version in known if version not in used and version != current)


def _live(connection: Connection, name: str) -> dict[int, Registered]:
    """The versions that have their functions, by number."""
    return {k.version: k for k in registry.versions(connection, name) if not k.collected}


def _share(connection: Connection, name: str, known: dict[int, Registered], current: int) -> None:
    """Write anew what all versions share, and what the API shows of the current one."""
    machine = read_version(name, known[current])
    run_script(connection, machine_functions(machine, tuple(known), registry.lazy(known.values())))
    access.check_readers(connection, machine)
    if (api_schema := installed_api_schema(connection)) is not None:
        access.write_api(connection, machine, api_schema)
