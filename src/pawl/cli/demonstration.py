"""`pawl demo`: provides a database, prints the story or the count."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import assert_never

import psycopg
import rich_click as click
from click.exceptions import Exit
from rich.progress import TaskID

from pawl import demo as stories
from pawl import embedded
from pawl.cli.bars import progress
from pawl.cli.options import json_option
from pawl.cli.output import Output
from pawl.demo import Answer, Beat, Chapter, Excerpt, Refusal, Say, upgrade

KEPT = Path("pawl-demo")
SHOWN = 5  # refusals


@click.command()
@click.argument("story", type=click.Choice(["order", "upgrade"]), default="order")
@click.option("--orders", type=click.IntRange(10), help="How many are running in `upgrade`.")
@click.option("--keep", is_flag=True, help=f"Leave the database in ./{KEPT} to look around.")
@json_option
@click.pass_obj
def demo(output: Output, story: str, orders: int | None, keep: bool) -> None:
    """See the order machine of a food delivery run, on a Postgres of its own.

    Every statement shown is executed as it stands. `pawl demo upgrade` moves thousands of running
    orders from version 1 to 3 while events keep coming. Nothing is kept unless --keep is given.
    """
    with _folder(keep) as folder:
        output.line(f"Starting a Postgres in {folder} …", style="dim")
        dsn = embedded.start(folder / ".pawl").dsn()
        good = _upgrade(output, dsn, orders) if story == "upgrade" else _tell(output, dsn)
    if keep:
        output.line()
        output.line(f"The database is still there. Try: cd {KEPT}; pawl show order o-17")
        output.line("pawl server stop ends it; then the folder may be removed.")
    elif story == "order":
        output.line()
        output.prose("Your own chart: pawl new parcel; pawl deploy parcel.machine.yaml")
    if not good:
        raise Exit(1)


def _tell(output: Output, dsn: str) -> bool:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for beat in stories.play(connection):
            _print(output, beat)
    return True


def _upgrade(output: Output, dsn: str, orders: int | None) -> bool:
    """Move the orders, with a bar for each part; whether nothing was lost or done twice."""
    with progress() as bars:
        tasks: dict[str, TaskID] = {}

        def watch(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what)
            bars.update(tasks[what], completed=done, total=total)

        counted = upgrade.play(dsn, watch, orders or upgrade.ORDERS)
    if output.json:
        output.data({**asdict(counted), "good": counted.is_good})
    else:
        output.table(("what", "count"), _told(counted))
        for refusal in counted.refused[:SHOWN]:
            output.line(f"refused: {refusal}", style="red")
    return counted.is_good


def _told(counted: upgrade.Counted) -> list[tuple[str, object]]:
    to_2, to_3 = counted.moved
    return [
        ("orders that were running", counted.orders),
        ("moved to version 2", to_2),
        ("moved to version 3", to_3),
        ("seconds that this took", round(counted.migrating, 1)),
        ("running, left behind", counted.left),
        ("events taken meanwhile", counted.events),
        ("events refused meanwhile", len(counted.refused)),
        ("events lost", counted.lost),
        ("events taken twice", counted.taken_twice),
        ("effects performed", counted.effects),
        ("effects not performed", counted.not_performed),
        ("sent twice", counted.sent_twice),
    ]


@contextmanager
def _folder(keep: bool) -> Iterator[Path]:
    """A folder for the demo's database; without `keep` removed at the end, come what may."""
    if keep:
        embedded.remove(KEPT / ".pawl")
        KEPT.mkdir(exist_ok=True)
        yield KEPT
        return
    folder = Path(tempfile.mkdtemp(prefix="pawl-demo-"))
    try:
        yield folder
    finally:
        embedded.remove(folder / ".pawl")
        shutil.rmtree(folder, ignore_errors=True)


def _print(output: Output, beat: Beat) -> None:
    if output.json:
        output.data({"beat": type(beat).__name__.lower(), **asdict(beat)})
        return
    match beat:
        case Chapter(title):
            output.line()
            output.heading(title)
        case Say(text):
            output.line()
            output.prose(text)
        case Excerpt(yaml):
            output.line()
            output.code(yaml, "yaml")
        case Answer(sql, columns, rows):
            output.line()
            output.code(sql, "postgresql")
            if columns:
                output.table(columns, rows)
            if columns and not rows:
                output.line("(no rows)", style="dim")
        case Refusal(sql, sqlstate, message, hint):
            output.line()
            output.code(sql, "postgresql")
            output.refusal(sqlstate, message, hint)
        case _:
            assert_never(beat)
