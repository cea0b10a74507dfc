"""`pawl migrate`: running instances become those of another version."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import psycopg
import rich_click as click
from click.exceptions import Exit

from pawl.cli import connect
from pawl.cli.bars import progress
from pawl.cli.options import dsn_option, json_option
from pawl.cli.output import Output
from pawl.deploy import migration
from pawl.deploy.condition import condition
from pawl.deploy.migration import Choice, Migrated, Step
from pawl.deploy.timer_index import timer_index
from pawl.deploy.versions import migrate_lazily
from pawlc import migration_diagram
from pawlc.model import labels
from pawlc.model.machine import Machine, Migration

COLUMNS = ("from", "to", "before", "after", "instances", "timers", "effects", "example", "reason")
STATES = ("from", "to", "before", "if", "after", "goes on", "begins")
FIELDS = ("from", "to", "field", "becomes")

SLOW = (
    "this migration renames timers, and finds each by reading all: "
    "run it as a member of pawl_owner, or let one run "
    "`create index concurrently timer_instance on pawl.timer (iid)` before"
)

STAY = "instances of version {1} that stay there: {0}; `--back` would take these back instead"

Plan = tuple[tuple[Machine, Migration], ...]
Kind = tuple[Step, tuple[str, ...], tuple[str, ...] | None, str | None]
"""The versions, the configurations before and after (None: it stayed) and why it stayed."""


@click.command()
@click.argument("machine")
@click.option("--to", type=click.IntRange(1), required=True, help="The version to go to.")
@click.option("--back", is_flag=True, help="Take instances of later versions back to it.")
@click.option("--plan", is_flag=True, help="Show what becomes of each state; ask no instance.")
@click.option("--diagram", is_flag=True, help="The same as --plan, drawn as Mermaid.")
@click.option("--dry-run", is_flag=True, help="Tell what would become of each; change nothing.")
@click.option("--id", help="This instance only.")
@click.option("--fraction", type=click.FloatRange(0, 1), default=1.0, help="This share only.")
@click.option("--where", metavar="SQL", help="Those of which this is true: total > 50.")
@click.option(
    "--lazy/--no-lazy",
    default=None,
    help="Move each when an event comes for it next; or no longer.",
)
@click.option(
    "--rate",
    type=click.IntRange(0),
    default=migration.RATE,
    show_default=True,
    help="At most so many instances a second; 0: as many as it can.",
)
@dsn_option
@json_option
@click.pass_obj
def migrate(
    output: Output,
    machine: str,
    to: int,
    back: bool,
    plan: bool,
    diagram: bool,
    dry_run: bool,
    id: str | None,
    fraction: float,
    where: str | None,
    lazy: bool | None,
    rate: int,
    dsn: str | None,
) -> None:
    """Move the running instances of MACHINE to another version, in small batches.

    Brings those of earlier versions on; with --back takes those of later ones back. May be
    interrupted and run again. One that fails stays where it is and runs on (`pawl rescue`);
    exit code 1.
    """
    chosen = None if where is None else condition(where, "--where")
    choice = Choice(dry_run=dry_run, id=id, fraction=fraction, where=chosen)
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        connect.machine_schema(connection, machine)
        if plan or diagram:
            planned = migration.plan(connection, machine, to, back=back)
            _draw(output, planned) if diagram else _show_plan(output, planned)
            return
        if lazy is not None:
            _decide(output, connection, machine, to, back, lazy)
            return
        pace = None if dry_run else rate or None
        sums = run(output, connection, machine, to, choice, pace, back=back)
        stay = {} if back else migration.later(connection, machine, to)
    report(output, sums)
    for version, number in stay.items():
        if number:
            output.note(STAY.format(number, version))
    if dry_run:
        output.note("dry run: nothing was changed")
    if any(reason is not None for *_, reason in sums):
        raise Exit(1)


def _decide(
    output: Output, connection: psycopg.Connection, machine: str, to: int, back: bool, lazy: bool
) -> None:
    """Move nothing now: say from which versions instances will go, and how many there are."""
    steps = migrate_lazily(connection, machine, to, lazily=lazy, back=back)
    output.table(
        ("from", "to", "lazy", "instances"),
        [(*step, lazy, migration.waiting(connection, machine, step[0])) for step in steps],
    )


@dataclass(slots=True)
class Sum:
    """What became of all instances of one kind; `example` is the first one's id."""

    example: str
    instances: int = 0
    timers: int = 0
    effects: int = 0


def run(
    output: Output,
    connection: psycopg.Connection,
    machine: str,
    to: int,
    choice: Choice,
    rate: int | None,
    *,
    back: bool,
) -> dict[Kind, Sum]:
    """Run every step; count what became of the instances."""
    sums: dict[Kind, Sum] = {}
    steps = migration.steps(connection, machine, to, back=back)
    total = sum(migration.waiting(connection, machine, before) for before, _ in steps)
    index = nullcontext(True) if choice.dry_run else timer_index(connection, machine, steps)
    with index as helped, progress() as bar:
        if not helped:
            output.note(SLOW)
        task = bar.add_task(f"{machine} to version {to}", total=total)
        for way in migration.ways(steps) if choice.dry_run else steps:
            for batch in migration.paced(migration.batches(connection, machine, way, choice), rate):
                for one in batch:
                    _add(sums, (way[0], way[-1]), one)
                bar.advance(task, len(batch))
    return sums


def _add(sums: dict[Kind, Sum], step: Step, one: Migrated) -> None:
    after = None if one.after is None else tuple(one.after)
    found = sums.setdefault((step, tuple(one.before), after, one.reason), Sum(one.id))
    found.instances += 1
    found.timers += one.timers
    found.effects += one.effects


def report(output: Output, sums: dict[Kind, Sum]) -> None:
    """Print what became of the instances, by kind."""
    output.table(
        COLUMNS,
        [
            (*step, before, after, s.instances, s.timers, s.effects, s.example, reason)
            for (step, before, after, reason), s in sums.items()
        ],
    )


def _show_plan(output: Output, planned: Plan) -> None:
    """Print what becomes of each configuration, what goes on or begins there, and the fields."""
    rows = [
        (
            one.version,
            machine.version,
            move.before,
            labels.conditions(move.guards),
            move.after,
            (*(name for _, name in move.kept_timers), *move.kept_invokes),
            (*(timer.name for timer in move.timers), *(i.id for i in move.invokes)),
        )
        for machine, one in planned
        for move in one.moves
    ]
    fields = [
        (one.version, machine.version, *field) for machine, one in planned for field in _fields(one)
    ]
    if output.json:
        output.data(
            {
                "states": [dict(zip(STATES, row, strict=True)) for row in rows],
                "fields": [dict(zip(FIELDS, row, strict=True)) for row in fields],
            }
        )
        return
    output.table(STATES, rows)
    if fields:
        output.line()
        output.table(FIELDS, fields)


def _fields(one: Migration) -> Iterator[tuple[str, str]]:
    """The fields that a migration computes, and how; all others stay, or begin."""
    for name, value in one.context:
        yield name, labels.shorten(value.source.value)
    if one.python is not None:
        yield from ((name, f"python {one.python.function}") for name in one.python.fields)


def _draw(output: Output, planned: Plan) -> None:
    """Print a flowchart of each migration."""
    drawn = [migration_diagram.mermaid(machine, one) for machine, one in planned]
    if output.json:
        output.data([{"format": "mermaid", "text": text} for text in drawn])
    else:
        output.raw("\n".join(drawn))
