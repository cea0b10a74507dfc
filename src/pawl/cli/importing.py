"""`import`: from XState's JSON to a definition that can be deployed."""

from pathlib import Path

import rich_click as click

from pawl.cli import definitions
from pawl.cli.definitions import FILE
from pawl.cli.files import write_new
from pawl.cli.options import json_option
from pawl.cli.output import Output
from pawlc import syntax
from pawlc.parse import xstate
from pawlc.parse.xstate import Missing
from pawlc.write.skeleton import skeleton


@click.command(name="import")
@click.argument("file", type=FILE)
@json_option
@click.pass_obj
def import_(output: Output, file: Path) -> None:
    """Read FILE, a machine config of XState v5 as JSON, and say what it lacks.

    What nothing implements gets a place in FILE's companion, FILE.impl.yaml, which is written
    unless it is there already.
    """
    if not definitions.is_json(file):
        raise click.UsageError(f"{file} is not JSON; export the machine from Stately as JSON")
    definition = definitions.read(file)
    machine, found = xstate.read_machine(definition.text, file.name, definition.impl)
    if machine is None or definitions.has_errors(found):
        definitions.report_and_exit(output, definition, found)
    definitions.report(output, definition, found)
    lacking = xstate.missing(machine)
    written = _companion(output, definition, machine, lacking)
    if output.json:
        output.data(_told(machine, lacking, written))
        return
    _tell(output, definition, machine, lacking)


def _companion(
    output: Output, definition: definitions.Definition, machine: syntax.Machine, lacking: Missing
) -> Path | None:
    """Write the skeleton, if names lack an implementation and there is no companion yet."""
    if not lacking or definition.impl is not None:
        return None
    companion = definitions.impl_of(definition.path)
    write_new({companion: skeleton(machine, lacking)})
    output.line(f"wrote {companion}")
    return companion


def _told(machine: syntax.Machine, lacking: Missing, written: Path | None) -> dict[str, object]:
    sections = lacking.by_section()
    return {
        "machine": machine.name.value,
        "missing": {section: [name.value for name in names] for section, names in sections},
        "companion": None if written is None else str(written),
    }


def _tell(
    output: Output, definition: definitions.Definition, machine: syntax.Machine, lacking: Missing
) -> None:
    if not lacking:
        output.line(f"{definition.path}: {machine.name} lacks nothing")
        output.line(f"next: pawl check {definition.path}", style="dim")
        return
    output.line(f"{definition.path}: {machine.name} lacks an implementation of")
    for section, names in lacking.by_section():
        output.line(f"  {section}: {', '.join(name.value for name in names)}")
    companion = definitions.impl_of(definition.path)
    output.line(f"next: fill in {companion}, then pawl check {definition.path}", style="dim")
