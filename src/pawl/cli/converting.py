"""`convert`: a definition in another form."""

import re
from collections.abc import Mapping
from pathlib import Path

import rich_click as click

from pawl.cli import definitions
from pawl.cli.definitions import FILE
from pawl.cli.files import write_new
from pawl.cli.options import json_option
from pawl.cli.output import Output
from pawlc.diagnostics import in_order
from pawlc.parse import parse
from pawlc.parse.xstate import unkept
from pawlc.write.convert import FORMS, Converted, Form
from pawlc.write.convert import convert as converted

SUFFIXES: dict[Form, tuple[str, ...]] = {
    "yaml": (".machine.yaml", ".machine.yml", ".yaml", ".yml"),
    "xstate": (".json",),
    "scxml": (".scxml",),
}
"""What the name of a definition in each form ends with, first what we call it ourselves."""
_QUOTED = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'")
_COMMENT = re.compile(r"(?:^|\s)#(?:\s|$)", re.MULTILINE)


@click.command()
@click.argument("file", type=FILE)
@click.option("--to", "form", type=click.Choice(FORMS), required=True, help="The other form.")
@click.option(
    "-o",
    "--output",
    "place",
    type=click.Path(path_type=Path),
    help="A file that is not there yet, or a folder.",
)
@json_option
@click.pass_obj
def convert(output: Output, file: Path, form: Form, place: Path | None) -> None:
    """Print FILE in another form: native YAML, the JSON of XState v5, or W3C SCXML.

    What XState keeps in code stands in a companion, FILE.impl.yaml, which -o writes too. What the
    other form cannot say is refused; comments are lost, descriptions are not.
    """
    definition, _, found = definitions.check(file)
    machine, read = parse(definition.text, file.name, definition.impl)
    if machine is None or definitions.has_errors(found):
        definitions.report_and_exit(output, definition, found)
    made, told = converted(machine, form)
    if made is None:
        definitions.report_and_exit(output, definition, told)
    lost = unkept(definition.text, file.name) if definitions.is_json(file) else ()
    definitions.report(output, definition, in_order((*read, *lost, *told)))
    if _has_comments(definition):
        output.note("comments are not kept, descriptions are")
    if place is None:
        _print(output, made)
        return
    if place.is_dir():
        place /= f"{file.name.split('.')[0]}{SUFFIXES[form][0]}"
    _write(output, _files(definition, place, form, made))


def _has_comments(definition: definitions.Definition) -> bool:
    """Whether a definition, or the companion of one in JSON, has comments outside of quotes."""
    if definitions.is_scxml(definition.path):
        return "<!--" in definition.text
    text = definition.impl or "" if definitions.is_json(definition.path) else definition.text
    return _COMMENT.search(_QUOTED.sub("", text)) is not None


def _print(output: Output, made: Converted) -> None:
    """Print the text; the companion is a file of its own."""
    if output.json:
        output.data({"text": made.text, "companion": made.companion})
        return
    output.raw(made.text)
    if made.companion is not None:
        output.note("its SQL stands in a companion: -o writes both files")


def _files(
    definition: definitions.Definition, place: Path, form: Form, made: Converted
) -> dict[Path, str]:
    """The files to write. Raises UsageError for a name by which nobody would know the form."""
    if not place.name.endswith(SUFFIXES[form]):
        raise click.UsageError(f"{place} must end with {SUFFIXES[form][0]}")
    files = {place: made.text}
    if made.companion is not None:
        files[definitions.impl_of(place)] = made.companion
    python = definitions.companion_of(place)
    if definition.companion is not None and form != "scxml" and not python.exists():
        files[python] = definition.companion
    return files


def _write(output: Output, files: Mapping[Path, str]) -> None:
    write_new(files)
    for file in files:
        output.line(f"wrote {file}")
    if output.json:
        output.data({"files": [str(file) for file in files]})
