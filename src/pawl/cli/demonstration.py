"""`pawl demo`: provides a database, prints the story."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import assert_never

import psycopg
import rich_click as click

from pawl import demo as stories
from pawl import embedded
from pawl.cli.options import json_option
from pawl.cli.output import Output
from pawl.demo import Answer, Beat, Chapter, Excerpt, Refusal, Say

KEPT = Path("pawl-demo")


@click.command()
@click.option("--keep", is_flag=True, help=f"Leave the database in ./{KEPT} to look around.")
@json_option
@click.pass_obj
def demo(output: Output, keep: bool) -> None:
    """See the order machine of a food delivery run, on a Postgres of its own.

    Every statement shown is executed as it stands. Nothing stays behind unless --keep is given.
    """
    with _folder(keep) as folder:
        output.line(f"Starting a Postgres in {folder} …", style="dim")
        server = embedded.start(folder / ".pawl")
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            for beat in stories.play(connection):
                _print(output, beat)
    if keep:
        output.line()
        output.line(f"The database is still there. Try: cd {KEPT}; pawl show order o-17")
        output.line("pawl server stop ends it; then the folder may be removed.")
    else:
        output.line()
        output.prose("Your own chart: pawl new parcel; pawl deploy parcel.machine.yaml")


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
