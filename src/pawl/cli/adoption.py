"""`pawl adopt`: rows of a table become instances."""

from dataclasses import dataclass
from pathlib import Path

import rich_click as click
from click.exceptions import Exit

from pawl.cli import connect, definitions
from pawl.cli.bars import progress
from pawl.cli.options import dsn_option, json_option
from pawl.cli.output import Output
from pawl.deploy import adoption, registry
from pawl.deploy.migration import paced

COLUMNS = ("state", "outcome", "rows", "example", "reason")


@click.command()
@click.argument("machine")
@click.option("--from", "table", metavar="TABLE", required=True, help="schema.table.")
@click.option("--map", "file", type=definitions.FILE, required=True, help="How; see above.")
@click.option("--version", type=click.IntRange(1), help="The version to enter; else the current.")
@click.option("--skip", is_flag=True, help="Begin no timer and no invoke of the states.")
@click.option("--dry-run", is_flag=True, help="Tell what would become of each; change nothing.")
@click.option("--rate", type=click.IntRange(1), help="At most so many rows a second.")
@dsn_option
@json_option
@click.pass_obj
def adopt(
    output: Output,
    machine: str,
    table: str,
    file: Path,
    version: int | None,
    skip: bool,
    dry_run: bool,
    rate: int | None,
    dsn: str | None,
) -> None:
    """Let the rows of a table become instances of MACHINE, each in the state that its row says.

    The map is YAML: `id`, `state`, `context` (field: expression) and `where`, in SQL over a row. No
    entry action runs. May be interrupted and run again: a row whose instance exists is passed over.
    """
    mapping = adoption.read_mapping(definitions.read_text(file))
    database = connect.find(dsn, output)
    sums: dict[tuple[str | None, str, str | None], Sum] = {}
    with connect.connected(database) as connection, progress() as bar:
        connect.prepare(connection, database, output)
        connect.machine_schema(connection, machine)
        number = version or registry.current(connection, machine).version
        task = bar.add_task(f"{table} to {machine}", total=adoption.count(connection, table))
        batches = adoption.adopt(
            connection, machine, number, table, mapping, begin=not skip, dry_run=dry_run
        )
        for batch in paced(batches, rate):
            for one in batch:
                found = sums.setdefault((one.state, one.outcome, one.reason), Sum(one.id))
                found.rows += 1
            bar.advance(task, len(batch))
    output.table(
        COLUMNS,
        [(state, what, s.rows, s.example, reason) for (state, what, reason), s in sums.items()],
    )
    if dry_run:
        output.note("dry run: nothing was changed")
    if any(outcome == "failed" for _, outcome, _ in sums):
        raise Exit(1)


@dataclass(slots=True)
class Sum:
    """How many rows became the same; `example` is the first one's id."""

    example: str
    rows: int = 0
