"""`pawl doctor`: what is wrong, and what to do about it."""

from dataclasses import asdict

import rich_click as click
from click.exceptions import Exit

from pawl import doctor as diagnosis
from pawl.cli import connect
from pawl.cli.options import dsn_option, json_option
from pawl.cli.output import Output

STYLES = {"error": "bold red", "warning": "yellow"}


@click.command()
@dsn_option
@json_option
@click.pass_obj
def doctor(output: Output, dsn: str | None) -> None:
    """Look for what is stuck, unsafe or about to be; change nothing.

    The exit code is 1 if there is an error; warnings alone leave it at 0.
    """
    database = connect.find(dsn, output)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        findings = diagnosis.examine(connection)
    _report(output, findings)
    if any(finding.severity == "error" for finding in findings):
        raise Exit(1)


def _report(output: Output, findings: tuple[diagnosis.Finding, ...]) -> None:
    if output.json:
        output.data([asdict(finding) for finding in findings])
        return
    for finding in findings:
        output.line(
            f"{finding.severity}[{finding.check}]: {finding.message}", STYLES[finding.severity]
        )
        output.line(f"  = {finding.advice}")
    if not findings:
        output.line("all is well", "green")
