"""`authz`: who may do what, for the samples of a definition; other rules for what is deployed."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
import rich_click as click

from pawl.authz import Row, Truth, truth
from pawl.cli import connect, definitions
from pawl.cli.definitions import Definition
from pawl.cli.options import dsn_option, json_option
from pawl.cli.output import Output
from pawl.deploy import registry
from pawl.deploy.authorizers import replace as replace_authorizers
from pawl.deploy.deploy import read_version
from pawlc import render

Connection = psycopg.Connection[Any]
WORDS = {True: "yes", False: "no", None: "payload"}


@click.command()
@click.argument("machine")
@click.option("--replace", is_flag=True, help="Give the deployed version the rules of this file.")
@click.option("--dry-run", is_flag=True, help="With --replace: change nothing.")
@dsn_option
@json_option
@click.pass_obj
def authz(output: Output, machine: str, replace: bool, dry_run: bool, dsn: str | None) -> None:
    """Show who may do what: a truth table over the `samples` of MACHINE.

    MACHINE is a file, or the name of a deployed machine. Postgres is asked, in a transaction that
    is rolled back. Warns of rules that no sample satisfies, or every one. "payload": the rule reads
    what is sent.
    """
    path = Path(machine)
    if (replace and not path.is_file()) or (dry_run and not replace):
        raise click.UsageError("--replace takes a file, and --dry-run takes --replace")
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        if replace:
            _replace(output, connection, path, dry_run)
            return
        if path.is_file():
            definition, compiled = definitions.compile_(output, path)
            resolved = compiled.machine
        else:
            connect.machine_schema(connection, machine)
            current = registry.current(connection, machine)
            definition = Definition(
                Path(current.definition_file), current.source, current.companion, current.impl
            )
            resolved = read_version(machine, current)
        with definitions.reporting(output, definition):
            told = truth(connection, resolved)
    _report(output, definition, told)


def _replace(output: Output, connection: Connection, path: Path, dry_run: bool) -> None:
    definition, compiled = definitions.compile_(output, path)
    with definitions.reporting(output, definition):
        done = replace_authorizers(connection, compiled, dry_run=dry_run)
    names = dict.fromkeys((*done.before, *done.after))
    output.table(
        ("rule", "before", "after"),
        [(name, done.before.get(name), done.after.get(name)) for name in names],
    )
    if dry_run:
        output.note("dry run: nothing was changed")
        return
    definitions.keep(output, definition, done.machine, done.version)
    output.note(f"version {done.version} of {done.machine} has the hash {done.hash[:12]} now")


def _report(output: Output, definition: Definition, told: Truth) -> None:
    if output.json:
        output.data(
            {
                "machine": told.machine,
                "rows": [
                    {**asdict(row), "may": dict(zip(told.callers, row.may, strict=True))}
                    for row in told.rows
                ],
                "warnings": render.json(definitions.typed(definition.path, told.warnings)),
            }
        )
        return
    output.table(
        ("context", "may", "in", *told.callers),
        [(row.context, _what(row), _where(row), *map(_word, row.may)) for row in told.rows],
    )
    definitions.report(output, definition, told.warnings)


def _what(row: Row) -> str:
    return row.action if row.event is None else f"send {row.event}"


def _where(row: Row) -> str:
    """The configurations; leaves that are active together are joined.

    >>> _where(Row("c", "send", "go", (("a.x", "b"), ("c",)), ()))
    'a.x + b, c'
    """
    return ", ".join(" + ".join(state) for state in row.states)


def _word(may: bool | str | None) -> str:
    return f"error: {may}" if isinstance(may, str) else WORDS[may]
