"""Deploy a compiled machine: what its table needs step by step, then all of it in one transaction.

In: a connection of somebody who may act as `pawl_owner`, and a `Compiled`. Out: a `Deployment`
that says what happened. Deploys and installs run one after another, under one advisory lock. A
version is immutable: the same definition again changes nothing, another one under its number is
refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import psycopg

from pawl.deploy import access, difference, probe, realtime, registry, steps
from pawl.deploy.errors import DeployRefused
from pawl.deploy.evolution import Evolution, evolution
from pawl.deploy.install import (
    acting_as_owner,
    installed_api_schema,
    let_owner_create_schemas,
)
from pawl.deploy.registry import Registered
from pawlc.compile import Compiled, check, member, placed
from pawlc.diagnostics import CompileError, Diagnostic, Severity
from pawlc.emit.columns import Change
from pawlc.emit.routes import entry, routes
from pawlc.emit.scripts import machine_functions
from pawlc.model.machine import Machine
from pawlc.sql import Sql

_STRAY = """\
select p.oid::regprocedure::text
from pg_catalog.pg_proc as p
join pawl.machine as m on p.pronamespace = m.schema_name::regnamespace
cross join lateral regexp_match(
  p.proname, '^v([0-9]+)_migrate(?:_batch)?_from_([0-9]+)$'
) as of (versions)
where m.name = %s
  and exists (
    select from unnest(of.versions) as named (version)
    where not exists (
      select from pawl.version as v
      where v.machine = m.name
        and v.version = named.version::int
        and v.collected_at is null
    )
  )
order by p.proname
"""

Outcome = Literal["created", "updated", "unchanged", "regenerated"]
Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a deploy did, or with `dry_run` would do.

    `outcome`: the machine is new (`created`), has a further version (`updated`), had this one
    (`unchanged`), or has its functions anew (`regenerated`). `added` names the columns that its
    table got. `diff` compares, in a dry run, the SQL of the newest deployed version with its SQL.
    `warnings` are what only the catalog could tell of a definition in SCXML, where it is no error.
    """

    machine: str
    version: int
    hash: str
    outcome: Outcome
    added: tuple[str, ...] = ()
    diff: str = ""
    warnings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class _Next:
    """A version that may be deployed, in the columns that it gets, and what the table lacks."""

    compiled: Compiled
    change: Change
    columns: Mapping[str, str]
    versions: tuple[Registered, ...]
    warnings: tuple[Diagnostic, ...]

    @property
    def is_first(self) -> bool:
        return not self.versions


def deploy(connection: Connection, compiled: Compiled, *, dry_run: bool = False) -> Deployment:
    """Deploy a machine; new instances take its new version from then on.

    On an idle connection in autocommit mode the table is changed first, step by step, and then one
    transaction switches; inside a caller's transaction all of it is one. What an SCXML document
    invokes is deployed with it: the steps of every table come first, and one transaction switches
    all. A dry run does everything and rolls it back, so it meets what a deploy would meet. Raises
    `DeployRefused`, `CompileError` with what only the catalog could tell, and Postgres's errors.
    """
    family = (*compiled.children, compiled)
    if dry_run or not _is_idle(connection):
        with connection.transaction(force_rollback=dry_run):
            registry.lock(connection)
            return _summed([_deploy_at_once(connection, one, dry_run) for one in family])
    with connection.transaction():
        registry.lock(connection)
        found = [(one, _examined(connection, one)) for one in family]
        further = [one for _, one in found if one is not None and not one.is_first]
        if not further:
            return _summed([_switch_if_new(connection, *each) for each in found])
    for one in further:
        steps.prepare(connection, one.compiled, one.change)
    return steps.briefly(
        connection,
        compiled.machine.name,
        lambda: _summed([_switch_if_new(connection, *each) for each in found]),
    )


def _summed(deployments: list[Deployment]) -> Deployment:
    """The last, which is the definition's own, with the warnings of all."""
    told = tuple(warning for each in deployments for warning in each.warnings)
    return replace(deployments[-1], warnings=told)


def _switch_if_new(connection: Connection, compiled: Compiled, found: _Next | None) -> Deployment:
    return _unchanged(compiled) if found is None else _switch_as_found(connection, found)


def _is_idle(connection: Connection) -> bool:
    idle = psycopg.pq.TransactionStatus.IDLE
    return connection.autocommit and connection.info.transaction_status == idle


def _deploy_at_once(connection: Connection, compiled: Compiled, dry_run: bool) -> Deployment:
    found = _examined(connection, compiled)
    if found is None:
        return _unchanged(compiled)
    if not found.is_first:
        steps.alter(connection, found.compiled, found.change)
    deployment = _switch(connection, found)
    if not dry_run:
        return deployment
    before = None if found.is_first else found.versions[-1]
    return replace(deployment, diff=difference.between(before, found.compiled))


def _unchanged(compiled: Compiled) -> Deployment:
    return Deployment(compiled.machine.name, compiled.machine.version, compiled.hash, "unchanged")


def _examined(connection: Connection, compiled: Compiled) -> _Next | None:
    """Everything that may refuse a version; None if it is deployed already."""
    machine = compiled.machine
    versions = registry.versions(connection, machine.name)
    if any(
        known.version == machine.version and known.hash == compiled.hash and not known.collected
        for known in versions
    ):
        return None
    _check_version(compiled, versions)
    _check_earlier(compiled, versions)
    _check_python(connection, machine)
    before = tuple(read_version(machine.name, known) for known in versions)
    needed = evolution(before, machine) if versions else Evolution()
    let_owner_create_schemas(connection)
    with acting_as_owner(connection):
        warnings = check_expressions(connection, machine)
    compiled = in_columns(compiled, versions, needed.columns)
    return _Next(compiled, needed.change, needed.columns, versions, warnings)


def in_columns(
    compiled: Compiled, versions: tuple[Registered, ...], own: Mapping[str, str]
) -> Compiled:
    """The version with its fields, and those it migrates from, in the columns that keep them."""
    columns = {known.version: known.columns for known in versions if known.columns}
    if not own and not any(one.version in columns for one in compiled.machine.migrations):
        return compiled
    return placed(compiled, {**columns, compiled.machine.version: own})


def _switch_as_found(connection: Connection, found: _Next) -> Deployment:
    """Switch, unless another deploy has come in between."""
    name = found.compiled.machine.name
    if registry.versions(connection, name) != found.versions:
        raise registry.in_progress()
    if not found.is_first:
        steps.check_mine(connection, found.compiled)
    return _switch(connection, found)


def _switch(connection: Connection, found: _Next) -> Deployment:
    """The transaction after which the version is there: functions, routes, policies."""
    compiled, machine = found.compiled, found.compiled.machine
    if found.is_first:
        with acting_as_owner(connection):
            run_script(connection, compiled.table)
    run_script(connection, compiled.python)  # a superuser's business: PL/Python is not trusted
    with acting_as_owner(connection):
        run_script(connection, compiled.functions)
        live = registry.live(found.versions)
        numbers = (*(known.version for known in live), machine.version)
        run_script(connection, machine_functions(machine, numbers, registry.lazy(live)))
        registry.register(connection, compiled, found.columns)
        drop_stray_migrations(connection, machine.name)
        _route(connection)
        access.check_readers(connection, machine)
        access.drop_indexes(connection, machine)
        if (api_schema := installed_api_schema(connection)) is not None:
            access.write_api(connection, machine, api_schema)
    realtime.follow(connection, machine)
    return Deployment(
        machine.name,
        machine.version,
        compiled.hash,
        "created" if found.is_first else "updated",
        tuple(field.column for field in found.change.added),
        warnings=found.warnings,
    )


def _route(connection: Connection) -> None:
    """Write the routes to all machines anew."""
    machines = registry.machines(connection)
    run_script(connection, routes(machines))
    if (api_schema := installed_api_schema(connection)) is not None:
        run_script(connection, entry(machines, api_schema))


def run_script(connection: Connection, script: Sql) -> None:
    """Execute a script of the compiler's; an empty one is nothing."""
    if script:
        connection.execute(script.encode())


def drop_stray_migrations(connection: Connection, name: str) -> None:
    """Drop the migrations from or to versions that are not here: never deployed, or collected.

    A definition that names such a version has them made again; what they read may be gone.
    """
    found = connection.execute(_STRAY.encode(), (name,)).fetchall()
    drop_functions(connection, [signature for (signature,) in found])


def drop_functions(connection: Connection, signatures: list[str]) -> None:
    """Drop functions, if there are any."""
    if signatures:
        connection.execute(f"drop function {', '.join(signatures)}".encode())


def _check_version(compiled: Compiled, versions: tuple[Registered, ...]) -> None:
    """Refuse a version that exists with another definition, or comes before one that exists."""
    if not versions:
        return
    name, number, newest = compiled.machine.name, compiled.machine.version, versions[-1].version
    if any(known.version == number and not known.collected for known in versions):
        raise DeployRefused(
            f"version {number} of `{name}` is deployed with another definition",
            code="version_exists",
            detail={"machine": name, "version": number},
            hint=f"a version never changes: write `version: {newest + 1}`",
        )
    if number <= newest:
        raise DeployRefused(
            f"version {number} of `{name}` comes before version {newest}, which is deployed"
            if number < newest
            else f"version {number} of `{name}` was collected",
            code="version_behind",
            detail={"machine": name, "version": number, "newest": newest},
            hint=f"write `version: {newest + 1}`",
        )


def _check_earlier(compiled: Compiled, versions: tuple[Registered, ...]) -> None:
    """Refuse a migration that was compiled against another definition than the deployed one."""
    deployed = {known.version: known.hash for known in versions}
    name = compiled.machine.name
    for version, hash in compiled.earlier:
        if version in deployed and deployed[version] != hash:
            raise DeployRefused(
                f"version {version} of `{name}` in versions/ is not the one that is deployed here",
                code="version_differs",
                detail={"machine": name, "version": version},
                hint=f"`migrate` was checked against it: put the deployed source of version "
                f"{version} into versions/",
            )


def _check_python(connection: Connection, machine: Machine) -> None:
    """Refuse Python functions on a server that has no plpython3u."""
    if not machine.python:
        return
    row = connection.execute(
        "select exists (select from pg_extension where extname = 'plpython3u'),"
        " exists (select from pg_available_extensions where name = 'plpython3u'),"
        " current_setting('server_version_num')::int / 10000"
    ).fetchone()
    assert row is not None
    created, available, major = row
    if created:
        return
    functions = ", ".join(f"`{function.name}`" for function in machine.python)
    raise DeployRefused(
        f"`{machine.name}` has Python functions ({functions}), and this database has no plpython3u",
        code="no_plpython",
        hint="as superuser: create extension plpython3u"
        if available
        else f"install the package postgresql-plpython3-{major} on the server (Debian's name), "
        "then as superuser: create extension plpython3u; managed services do not offer it",
    )


def check_expressions(connection: Connection, machine: Machine) -> tuple[Diagnostic, ...]:
    """Have Postgres check every expression; raise what it says, at the definition's lines.

    Returns what is no error.
    """
    found = probe.run(connection, machine)
    if any(one.severity is Severity.ERROR for one in found):
        raise CompileError(found)
    return found


def read_version(name: str, known: Registered) -> Machine:
    """The machine of a deployed version, from its source, its fields in their columns, without
    those whose columns were dropped.

    Raises `DeployRefused`.
    """
    before, _ = check(known.source, known.definition_file, known.companion, known.impl)
    if before is not None and before.name != name:
        before = member(known.source, known.definition_file, known.impl, name)
    if before is None:
        raise DeployRefused(
            f"this pawl cannot read version {known.version} of `{name}` any more",
            code="schema_evolution",
            hint="deploy with the pawl that deployed it, or give the machine a new name",
        )
    context = (replace(c, kept_in=known.columns.get(c.name)) for c in before.context)
    return replace(before, context=tuple(c for c in context if c.column not in known.dropped))
