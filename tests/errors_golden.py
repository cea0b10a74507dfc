"""The cases of tests/errors: definitions with a mistake, and the report that it must give.

`<code>-<name>.machine.yaml` marks its line with `# error: COL CODE`, one pair for each diagnostic,
or says `# error: LINE:COL CODE` elsewhere where a mark on the line would change what it means.
Beside it stand the report, `<code>-<name>.txt`, and as `<code>-<name>.companion` the file that
would be `<code>-<name>.py`, whose lines are marked in the same way.
"""

import re
from pathlib import Path

from pawlc.check import check_model, check_syntax
from pawlc.diagnostics import Diagnostic, Severity, in_order
from pawlc.model.resolve import resolve
from pawlc.parse.yaml import parse
from pawlc.render import text

FOLDER = Path(__file__).parent / "errors"
_MARK = re.compile(r"# error:((?: (?:\d+:)?\d+ PW\d+)+)")


def cases() -> list[Path]:
    """The definitions of all cases."""
    return sorted(FOLDER.glob("*.machine.yaml"))


def golden(case: Path) -> Path:
    """Where the report of a case is kept."""
    return case.with_name(case.name.replace(".machine.yaml", ".txt"))


def diagnose(source: str, file: str, companion: str | None = None) -> tuple[Diagnostic, ...]:
    """Every complaint of the compiler's front half about a definition."""
    written, found = parse(source, file)
    if written is None or _failed(found):
        return found
    model, problems = resolve(written, companion)
    found = (*found, *check_syntax(written), *problems)
    if model is not None and not _failed(found):
        found = (*found, *check_model(model))
    return in_order(found)


def _failed(found: tuple[Diagnostic, ...]) -> bool:
    return any(diagnostic.severity is Severity.ERROR for diagnostic in found)


def sources(case: Path) -> dict[str, str]:
    """The files of a case by the names that its diagnostics show, the definition first."""
    companion = case.with_name(case.name.replace(".machine.yaml", ".companion"))
    found = {case.name: case.read_text(encoding="utf-8")}
    if companion.exists():
        found[companion.with_suffix(".py").name] = companion.read_text(encoding="utf-8")
    return found


def of_case(case: Path) -> tuple[Diagnostic, ...]:
    """The complaints about a case."""
    definition, companion, *_ = (*sources(case).values(), None)
    return diagnose(definition or "", case.name, companion)


def report(case: Path) -> str:
    """The rendered report of a case."""
    return text(of_case(case), sources(case))


def marked(case: Path) -> list[tuple[str, int, int, str]]:
    """What a case says that it must give: (file, line, column, code), in order."""
    found = []
    for file, source in sources(case).items():
        for number, line in enumerate(source.split("\n"), 1):
            for mark in _MARK.finditer(line):
                for place, code in re.findall(r" ([\d:]+) (PW\d+)", mark.group(1)):
                    row, _, column = place.rpartition(":")
                    found.append((file, int(row or number), int(column), code))
    return sorted(found)


def rewrite() -> None:
    """Write the reports of all cases anew."""
    for case in cases():
        golden(case).write_text(report(case), encoding="utf-8")
