"""The checks that need more than a query."""

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql

from pawl.deploy import registry
from pawl.deploy.install import migrations
from pawl.doctor.findings import Finding, Limits

CHANNEL = "pawl"
FLAGGED = """\
select count(*), min(i.id), min(i.needs_rescue)
from (select i.id, i.needs_rescue from {} as i where i.needs_rescue is not null limit 1000) as i
"""


def runtime(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
    """The runtime schema is the one that this package installs."""
    row = connection.execute("select max(version) from pawl.schema_version").fetchone()
    found, known = (row[0] if row else 0) or 0, len(migrations())
    if found < known:
        yield Finding(
            "runtime",
            "error",
            f"the runtime schema has version {found}, this package brings {known}",
            "run `pawl init`",
        )
    if found > known:
        yield Finding(
            "runtime",
            "error",
            f"the runtime schema has version {found}, newer than this package's {known}",
            "update the package",
        )


def rescue(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
    """Instances that a migration left where they were."""
    machines = connection.execute(
        'select name, schema_name from pawl.machine order by name collate "C"'
    ).fetchall()
    for name, schema in machines:
        query = sql.SQL(FLAGGED).format(sql.Identifier(schema, "instance"))
        count, id, why = connection.execute(query).fetchone() or (0, None, None)
        if count:
            many = "1000 or more" if count == 1000 else str(count)
            yield Finding(
                "rescue",
                "warning",
                f'{many} instance(s) of "{name}" could not be migrated, such as "{id}": {why}',
                f"they run on in their old version: pawl rescue list {name}",
            )


def drift(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
    """The SQL of each current version is what this compiler makes of its definition."""
    from pawlc.compile import compile_machine, earlier_version  # not for every command
    from pawlc.diagnostics import CompileError

    machines = connection.execute(
        'select name, current_version from pawl.machine order by name collate "C"'
    ).fetchall()
    for name, current in machines:
        versions = registry.versions(connection, name)
        known = next(v for v in versions if v.version == current)
        earlier = {
            v.version: found
            for v in versions
            if v.version < current
            and (found := earlier_version(v.source, v.definition_file, v.companion, v.impl))
        }
        try:
            compiled = compile_machine(
                known.source, known.definition_file, known.companion, known.impl, earlier
            )
            family = {one.machine.name: one for one in (*compiled.children, compiled)}
            compiled = family.get(name, compiled)
        except CompileError as error:
            yield Finding(
                "compiler",
                "warning",
                f'this pawl no longer compiles version {current} of "{name}": '
                f"{error.diagnostics[0].message}",
                "it runs on; deploy the next version with the pawl that deployed this one, or mend "
                "it",
            )
            continue
        if known.sql is not None and compiled.sql != known.sql:
            yield Finding(
                "compiler",
                "warning",
                f'version {current} of "{name}" was compiled by another pawl, and this one makes '
                "other SQL of it",
                "it runs on as it is; `pawl deploy --regenerate FILE` puts this one's in its place",
            )


def doorbell(connection: psycopg.Connection[Any], limits: Limits) -> Iterator[Finding]:
    """What is rung here is heard here: a pooler in transaction mode drops LISTEN."""
    channel = sql.Identifier(CHANNEL)
    connection.execute(sql.SQL("listen {}").format(channel))
    connection.execute("select pawl.ring()")
    heard = list(connection.notifies(timeout=limits.echo, stop_after=1))
    connection.execute(sql.SQL("unlisten {}").format(channel))
    if not heard:
        yield Finding(
            "doorbell",
            "warning",
            f"a NOTIFY did not come back within {limits.echo:g} s",
            "is this a pooler in transaction mode? give workers --listen-dsn, or --poll",
        )
