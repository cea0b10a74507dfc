"""The cases of tests/errors: definitions with a mistake, and the report that it must give.

`<code>-<name>.machine.yaml` marks its line with `# error: COL CODE`, one pair for each diagnostic,
or says `# error: LINE:COL CODE` elsewhere where a mark on the line would change what it means.
Beside it stand the report, `<code>-<name>.txt`, and as `<code>-<name>.companion` the file that
would be `<code>-<name>.py`, whose lines are marked in the same way.

A case that is one for Supabase only says so in its first line, `# target: supabase`; one that
compiles and cannot be converted says to what, `# convert: xstate`.

The version 1 that a migration comes from is `<code>-<name>.before`; `---` parts it from version 2.

A case in JSON is `<code>-<name>.json`, with its companion in `.impl`. JSON has no comments, so its
marks stand in `.marks`, a line `json LINE:COL CODE` or `impl LINE:COL CODE` each. So do those of
`<code>-<name>.scxml`, as `scxml LINE:COL CODE`. The form that one is converted to stands there too.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from pawlc.check import Target, check_model, check_syntax, check_target
from pawlc.compile import Earlier, earlier_version
from pawlc.diagnostics import Diagnostic, Severity, in_order
from pawlc.model.machine import Machine
from pawlc.model.resolve import resolve
from pawlc.parse import judged, parse
from pawlc.parse.xstate import file_name, unkept
from pawlc.render import text
from pawlc.write.convert import FORMS, convert

FOLDER = Path(__file__).parent / "errors"
_KINDS = (".machine.yaml", ".json", ".scxml")
_FORM = re.compile(r"# convert: (\w+)\n?")
_MARK = re.compile(r"# error:((?: (?:\d+:)?\d+ PW\d+)+)")


def cases() -> list[Path]:
    """The definitions of all cases."""
    return sorted(file for kind in _KINDS for file in FOLDER.glob(f"*{kind}"))


def name(case: Path) -> str:
    """What a case is called."""
    return next(case.name.removesuffix(kind) for kind in _KINDS if case.name.endswith(kind))


def golden(case: Path) -> Path:
    """Where the report of a case is kept."""
    return case.with_name(f"{name(case)}.txt")


def diagnose(
    source: str,
    file: str,
    companion: str | None = None,
    impl: str | None = None,
    earlier: str | None = None,
    target: Target = "postgres",
    form: str | None = None,
) -> tuple[Diagnostic, ...]:
    """Every complaint of the compiler's front half about a definition.

    `earlier` is version 1, or several from 1 on with a line `---` between them. With `form` it is
    converted to that, if it compiles.
    """
    written, found = parse(source, file, impl)
    if written is None or _failed(found):
        return found
    model, problems = resolve(written, companion, _versions(earlier, file))
    judgement = (*check_syntax(written), *check_target(written, target), *problems)
    found = (*found, *judged(judgement, file))
    if model is not None and not _failed(found):
        found = (*found, *judged(check_model(model), file))
    if form is not None and file.endswith(".json"):
        found = (*found, *unkept(source, file))
    if not _failed(found):
        found = (
            *found,
            *(d for known in FORMS if known == form for d in convert(written, known)[1]),
        )
    return in_order(found)


def _versions(texts: str | None, file: str) -> dict[int, Machine]:
    known: dict[int, Earlier] = {}
    for number, one in enumerate(texts.split("---\n") if texts else (), 1):
        version = earlier_version(one, file, earlier=known)
        assert version is not None
        known[number] = version
    return {number: version.machine for number, version in known.items()}


def _failed(found: tuple[Diagnostic, ...]) -> bool:
    return any(diagnostic.severity is Severity.ERROR for diagnostic in found)


def sources(case: Path) -> dict[str, str]:
    """The files of a case by the names that its diagnostics show, the definition first."""
    found = {case.name: case.read_text(encoding="utf-8")}
    beside = {".companion": f"{name(case)}.py", ".impl": file_name(case.name)}
    for suffix, shown in beside.items():
        file = case.with_name(name(case) + suffix)
        if file.exists():
            found[shown] = file.read_text(encoding="utf-8")
    return found


def of_case(case: Path) -> tuple[Diagnostic, ...]:
    """The complaints about a case."""
    texts = sources(case)
    companion, impl = texts.get(f"{name(case)}.py"), texts.get(file_name(case.name))
    before = case.with_name(f"{name(case)}.before")
    earlier = before.read_text(encoding="utf-8") if before.exists() else None
    first = texts[case.name].partition("\n")[0]
    target: Target = "supabase" if first == "# target: supabase" else "postgres"
    form = _FORM.match(_marks(case) or first)
    wanted = form[1] if form else None
    return diagnose(texts[case.name], case.name, companion, impl, earlier, target, wanted)


def _marks(case: Path) -> str:
    """The marks of a case in JSON or SCXML."""
    file = case.with_name(f"{name(case)}.marks")
    return file.read_text(encoding="utf-8") if file.exists() else ""


def report(case: Path) -> str:
    """The rendered report of a case."""
    return text(of_case(case), sources(case))


def marked(case: Path) -> list[tuple[str, int, int, str]]:
    """What a case says that it must give: (file, line, column, code), in order."""
    if case.suffix in (".json", ".scxml"):
        return sorted(_listed(case))
    found = []
    for file, source in sources(case).items():
        for number, line in enumerate(source.split("\n"), 1):
            for mark in _MARK.finditer(line):
                for place, code in re.findall(r" ([\d:]+) (PW\d+)", mark.group(1)):
                    row, _, column = place.rpartition(":")
                    found.append((file, int(row or number), int(column), code))
    return sorted(found)


def _listed(case: Path) -> Iterator[tuple[str, int, int, str]]:
    """The marks of a case in JSON or SCXML."""
    files = {"json": case.name, "scxml": case.name, "impl": file_name(case.name)}
    for line in _FORM.sub("", _marks(case)).splitlines():
        file, place, code = line.split()
        row, _, column = place.partition(":")
        yield files[file], int(row), int(column), code


def rewrite() -> None:
    """Write the reports of all cases anew."""
    for case in cases():
        golden(case).write_text(report(case), encoding="utf-8")
