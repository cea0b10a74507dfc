"""`check`, `compile`, `diagram`, `explain`: a definition without a database."""

import sys
from pathlib import Path
from typing import Literal, assert_never

import rich_click as click
from click.exceptions import Exit
from rich.console import Console
from rich.markdown import Markdown

from pawl import drawing
from pawl.cli import definitions
from pawl.cli.definitions import FILE, FILE_OR_FOLDER
from pawl.cli.dump import dump as dumped
from pawl.cli.options import json_option, target_option
from pawl.cli.output import Output
from pawlc import codes, render
from pawlc import diagram as diagrams
from pawlc.check import Target
from pawlc.lower import lower
from pawlc.parse import parse

Dump = Literal["syntax", "model", "target", "sql"]
Form = Literal["mermaid", "dot", "svg"]
FORMS: dict[str, Form] = {".mmd": "mermaid", ".dot": "dot", ".gv": "dot", ".svg": "svg"}


@click.command()
@click.argument("files", nargs=-1, required=True, type=FILE_OR_FOLDER, metavar="FILE...")
@json_option
@click.pass_obj
def check(output: Output, files: tuple[Path, ...]) -> None:
    """Say what is wrong with each FILE, or each in a folder; exit code 1 if there is an error."""
    checked = [definitions.check(file) for file in definitions.definitions_in(files)]
    if output.json:
        output.data(
            [
                one
                for definition, _, found in checked
                for one in render.json(definitions.typed(definition.path, found))
            ]
        )
    for definition, machine, found in checked:
        definitions.report(output, definition, found)
        if machine is not None and not definitions.has_errors(found):
            output.line(f"{definition.path}: {machine.name} version {machine.version} is good")
    if any(definitions.has_errors(found) for _, _, found in checked):
        raise Exit(1)


@click.command()
@click.argument("code")
@json_option
@click.pass_obj
def explain(output: Output, code: str) -> None:
    """Explain a diagnostic CODE, such as PW204."""
    code = code.upper()
    if code not in codes.CODES:
        raise click.UsageError(f"no diagnostic has the code `{code}`")
    page = codes.explain(code)
    if output.json:
        output.data({"code": code, "title": codes.CODES[code].title, "page": page})
    elif sys.stdout.isatty():
        Console().print(Markdown(page))
    else:
        output.raw(page)


@click.command(name="compile")
@click.argument("file", type=FILE)
@click.option(
    "-o", "--output", "place", type=click.Path(path_type=Path), help="A file, or a folder."
)
@click.option(
    "--dump",
    type=click.Choice(["syntax", "model", "target", "sql"]),
    default="sql",
    help="Which stage to print; the SQL of a first deploy unless told.",
)
@target_option
@click.option(
    "--dsn",
    metavar="URI",
    help="For Supabase: where the migrations before it have run; else they run in a temporary "
    "database.",
)
@json_option
@click.pass_obj
def compile_(
    output: Output, file: Path, place: Path | None, dump: Dump, target: Target, dsn: str | None
) -> None:
    """Compile FILE and print the SQL that deploys it.

    --target supabase writes a migration that deploys it after those that are there.
    """
    if target == "supabase":
        if dump != "sql":
            raise click.UsageError("--dump goes without --target supabase")
        _write_migration(output, file, place, dsn)
        return
    if dsn is not None:
        raise click.UsageError("--dsn goes with --target supabase")
    text = _stage(output, file, dump)
    if place is None and output.json and dump == "sql":
        output.data({"sql": text})
        return
    if place is None:
        output.raw(text)
        return
    if place.is_dir():
        place /= f"{file.name.split('.')[0]}.sql"
    place.write_text(text, encoding="utf-8")
    output.wrote(place)


def _write_migration(output: Output, file: Path, place: Path | None, dsn: str | None) -> None:
    """Write the migration of a machine; keep its source, as a deploy does."""
    from pawl.deploy import supabase

    definition, compiled = definitions.compile_(output, file, "supabase")
    project = supabase.Project(place or supabase.MIGRATIONS)
    with definitions.reporting(output, definition):
        deployment, written = supabase.add_machine(project, compiled, dsn)
    definitions.keep(output, definition, deployment.machine, deployment.version)
    if written is None:
        output.unchanged(f"a migration deploys version {deployment.version} already")
    else:
        output.wrote(written)


def _stage(output: Output, file: Path, dump: Dump) -> str:
    """Return the text of one stage of the compilation."""
    _, compiled = definitions.compile_(output, file)
    match dump:
        case "syntax":
            return dumped(parse(compiled.source, file.name, compiled.impl)[0])
        case "model":
            return dumped(compiled.machine)
        case "target":
            return dumped(lower(compiled.machine))
        case "sql":
            return compiled.script
        case _:
            assert_never(dump)


@click.command()
@click.argument("file", type=FILE)
@click.option(
    "--format",
    "form",
    type=click.Choice(["mermaid", "dot", "svg"]),
    help="Mermaid unless told, or what the name of -o says.",
)
@click.option("-o", "--output", "target", type=click.Path(path_type=Path), help="A file.")
@json_option
@click.pass_obj
def diagram(output: Output, file: Path, target: Path | None, form: Form | None) -> None:
    """Draw FILE: Mermaid or DOT as text, or an SVG."""
    definition, machine, found = definitions.check(file)
    if machine is None or definitions.has_errors(found):
        definitions.report_and_exit(output, definition, found)
    form = form or FORMS.get(target.suffix if target else "", "mermaid")
    match form:
        case "mermaid":
            text = diagrams.mermaid(machine)
        case "dot":
            text = diagrams.dot(machine)
        case "svg":
            text = drawing.svg(diagrams.dot(machine))
        case _:
            assert_never(form)
    if target is not None:
        target.write_text(text, encoding="utf-8")
        output.wrote(target)
    elif output.json:
        output.data({"format": form, "text": text})
    else:
        output.raw(text)
