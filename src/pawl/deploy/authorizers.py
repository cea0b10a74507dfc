"""Other authorizers for a version that is deployed: the one thing of it that may be replaced.

In: a connection of somebody who may act as `pawl_owner`, and the version compiled again. Everything
else must mean the same, so instances stay where they are and need no migration. In one transaction:
the version's functions, row security if it is the current one, its text and hash, and a row of the
journal with what was and what is, under `iid` 0, which is no instance's.
"""

from dataclasses import dataclass
from typing import Any

import psycopg

from pawl.deploy import access, registry
from pawl.deploy.deploy import (
    check_expressions,
    drop_stray_migrations,
    in_columns,
    read_version,
    run_script,
)
from pawl.deploy.errors import DeployRefused
from pawl.deploy.install import acting_as_owner
from pawl.deploy.registry import Registered
from pawlc.compile import Compiled
from pawlc.emit.scripts import machine_functions
from pawlc.expr import names
from pawlc.model.alike import differences
from pawlc.model.events import written
from pawlc.model.machine import Expression, Machine, Ref

MAY_DIFFER = ("authorize", "samples", "description", "migrations")
Connection = psycopg.Connection[Any]
Rules = dict[str, str]


@dataclass(frozen=True, slots=True)
class Replacement:
    """The rules of a version before and after, by what they are for; equal ones are left out."""

    machine: str
    version: int
    hash: str
    before: Rules
    after: Rules


def replace(connection: Connection, compiled: Compiled, *, dry_run: bool = False) -> Replacement:
    """Replace the authorizers of the version that `compiled` is.

    Raises `DeployRefused` if it is not deployed or differs in anything else, and what a deploy
    raises.
    """
    machine = compiled.machine
    with connection.transaction(force_rollback=dry_run):
        registry.lock(connection)
        versions = registry.live(registry.versions(connection, machine.name))
        known = _deployed(machine, versions)
        compiled = in_columns(compiled, versions, known.columns)
        machine = compiled.machine
        before = read_version(machine.name, known)
        _refuse_others(before, machine)
        old, new = rules(before), rules(machine)
        if known.hash != compiled.hash:
            _replace(connection, compiled, versions)
            _record(connection, compiled, known.hash, old, new)
    changed = {name for name in {*old, *new} if old.get(name) != new.get(name)}
    return Replacement(
        machine.name,
        machine.version,
        compiled.hash,
        {name: rule for name, rule in old.items() if name in changed},
        {name: rule for name, rule in new.items() if name in changed},
    )


def rules(machine: Machine) -> Rules:
    """All rules as they are written: `create`, `read`, `send accept, reject`, `send * in busy`."""
    found = machine.authorize
    doors = (("create", found.create), ("read", found.read))
    named = {name: _text(rule) for name, rule in doors if rule is not None}
    for send in found.send:
        patterns = ", ".join(written(pattern) for pattern in send.patterns)
        place = f" in {send.path}" if send.path else ""
        named[f"send {patterns}{place}"] = _text(send.rule)
    return named


def _text(rule: Expression) -> str:
    """A rule as it was written, those of states joined to the machine's."""
    return names.render(rule, _name)


def _name(ref: Ref) -> str:
    match ref.space:
        case "claims" | "now":
            return ref.space
        case "in_state":
            return f"in_state({names.literal(ref.name)})"
        case _:
            return f"{ref.space}.{names.ident(ref.name)}"


def _deployed(machine: Machine, versions: tuple[Registered, ...]) -> Registered:
    for known in versions:
        if known.version == machine.version:
            return known
    raise DeployRefused(
        f"version {machine.version} of `{machine.name}` is not deployed",
        code="version_absent",
        detail={"machine": machine.name, "version": machine.version},
        hint="deploy it",
    )


def _refuse_others(before: Machine, machine: Machine) -> None:
    others = differences(before, machine, MAY_DIFFER)
    if others:
        raise DeployRefused(
            f"version {machine.version} of `{machine.name}` is deployed with other"
            f" {', '.join(f'`{name}`' for name in others)}",
            code="version_exists",
            detail={"machine": machine.name, "version": machine.version, "differs": list(others)},
            hint="only `authorize` can be replaced; anything else is a new version",
        )


def _replace(connection: Connection, compiled: Compiled, versions: tuple[Registered, ...]) -> None:
    machine = compiled.machine
    numbers = tuple(known.version for known in versions)
    with acting_as_owner(connection):
        check_expressions(connection, machine)
        run_script(connection, compiled.functions)
        drop_stray_migrations(connection, machine.name)
        current = registry.current(connection, machine.name)
        if current.version == machine.version:
            run_script(connection, machine_functions(machine, numbers, registry.lazy(versions)))
            access.check_readers(connection, machine)


def _record(
    connection: Connection, compiled: Compiled, hash: str, before: Rules, after: Rules
) -> None:
    """Keep the new text as the version's, and say in the journal who replaced what."""
    machine = compiled.machine
    event = {"from": hash, "to": compiled.hash, "before": before, "after": after}
    with acting_as_owner(connection):
        connection.execute(
            "update pawl.version set hash = %s, source = %s, companion = %s, impl = %s, sql = %s"
            " where machine = %s and version = %s",
            (
                *(compiled.hash, compiled.source, compiled.companion, compiled.impl, compiled.sql),
                *(machine.name, machine.version),
            ),
        )
        registry.journal(connection, machine.name, machine.version, "pawl.authorize", **event)
