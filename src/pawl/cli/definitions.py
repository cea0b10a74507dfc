"""Read a definition and its companion, compile it, report diagnostics.

The compiler knows a file by its name alone, so that the same definition gives the same SQL wherever
it lies; a report names the path that the person typed.
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import rich_click as click
from click.exceptions import Exit

from pawl.cli.output import Output
from pawl.errors import PawlError
from pawlc import render
from pawlc.check import Target
from pawlc.compile import Compiled, Earlier, compile_machine, earlier_version
from pawlc.compile import check as check_text
from pawlc.diagnostics import CompileError, Diagnostic, Severity
from pawlc.model.machine import Machine
from pawlc.parse import JSON, SCXML, parse, scxml
from pawlc.parse.scxml import fetched
from pawlc.parse.xstate import file_name
from pawlc.source import Span

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FILE_OR_FOLDER = click.Path(exists=True, path_type=Path)
VERSIONS = "versions"
MACHINE = re.compile(r"^machine: *['\"]?([\w-]+)", re.MULTILINE)
VERSION = re.compile(r"^version: *(\d+)", re.MULTILINE)
MIGRATE = re.compile(r"^migrate:", re.MULTILINE)
NATIVE = ".machine.yaml"
IMPL = ".impl.yaml"
SUFFIXES = (".machine.yaml", ".machine.yml", ".machine.json", ".yaml", ".yml", ".json", ".scxml")


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition as read, and what lies beside it: the Python companion; for JSON `impl`, for
    SCXML the files that it names and its own `impl`, as a JSON object."""

    path: Path
    text: str
    companion: str | None
    impl: str | None = None

    @property
    def sources(self) -> dict[str, str]:
        """The texts by the names that a report shows."""
        files = {companion_of(self.path): self.companion, impl_of(self.path): self.impl}
        if is_scxml(self.path) and self.impl is not None:
            files |= {self.path.parent / name: text for name, text in json.loads(self.impl).items()}
        beside = {str(path): text for path, text in files.items() if text is not None}
        return {str(self.path): self.text, **beside}


def read(path: Path) -> Definition:
    """Read `order.machine.yaml` and, if it is there, `order.py` beside it. Raises `OSError`.

    Beside `order.json` it is also `order.impl.yaml`, beside an SCXML document that and what it
    names; a kept document has them in one file.
    """
    text = read_text(path)
    impl = _if_there(impl_of(path)) if is_json(path) or is_scxml(path) else None
    if is_scxml(path) and impl is None:
        impl = _named(path, text)
    return Definition(path, text, _if_there(companion_of(path)), impl)


def _named(path: Path, text: str) -> str | None:
    """The texts of an SCXML document's companion, the files that it names, and those they name."""
    found: dict[str, str] = {}
    waiting = [scxml.file_name(path.name), *fetched(text)]
    for name in waiting:
        file = path.parent / name
        if name not in found and name != path.name and file.is_file():
            found[name] = read_text(file)
            waiting += fetched(found[name]) if is_scxml(file) else ()
    return json.dumps(found, sort_keys=True) if found else None


def earlier(definition: Definition) -> dict[int, Earlier]:
    """Read the versions that a definition may migrate from, by number.

    They are those that deploy kept in `versions/`, in whatever form, and those that lie beside it
    in the same.
    """
    known = named(definition.path) if _migrates(definition) else None
    if known is None:
        return {}
    folder, name = definition.path.parent, known[0]
    files = {
        **{number: path for path, number in _beside(definition.path, name)},
        **{number: path for path, number in _kept(folder / VERSIONS, name)},
    }
    found: dict[int, Earlier] = {}
    for number, file in sorted(files.items()):
        kept = read(file)
        version = earlier_version(kept.text, file.name, kept.companion, kept.impl, found)
        if version is not None:
            found[number] = version
    return found


def _migrates(definition: Definition) -> bool:
    """Whether there is a section `migrate`, in the definition or in its companion."""
    if is_scxml(definition.path):
        files = json.loads(definition.impl or "{}")
        return any(MIGRATE.search(files[name]) for name in files if name.endswith(IMPL))
    written = definition.impl if is_json(definition.path) else definition.text
    return MIGRATE.search(written or "") is not None


def _kept(folder: Path, machine: str) -> Iterator[tuple[Path, int]]:
    """The versions of a machine that deploy kept, with their numbers."""
    for ending in (JSON, SCXML, NATIVE):
        for file in folder.glob(f"{machine}.*{ending}"):
            number = file.name.removeprefix(f"{machine}.").removesuffix(ending)
            if number.isdecimal():
                yield file, int(number)


def _beside(path: Path, machine: str) -> Iterator[tuple[Path, int]]:
    """The other definitions of a machine in its folder, with their versions."""
    ending = next((e for e in (JSON, SCXML) if path.name.endswith(e)), NATIVE)
    for file in path.parent.glob(f"*{ending}"):
        found = named(file) if file.name != path.name else None
        if found is not None and found[0] == machine:
            yield file, found[1]


def named(path: Path) -> tuple[str, int] | None:
    """The machine and version that a definition says it is; None if it is none.

    One in YAML says both. Others are read, since their companion may, or nothing at all.
    """
    if is_json(path) or is_scxml(path):
        definition = read(path)
        written, _ = parse(definition.text, path.name, definition.impl)
        return None if written is None else (written.name.value, written.version)
    text = read_text(path)
    machine, version = MACHINE.search(text), VERSION.search(text)
    return (machine[1], int(version[1])) if machine and version else None


def definitions_in(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """The files, and in the place of a folder the definitions in it, earlier versions first.

    Raises `click.UsageError` for a folder without one.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(
            path.glob("*.machine.yaml"), key=lambda file: (named(file) or ("", 0), file)
        )
        if not inside:
            raise click.UsageError(f"no definition (*.machine.yaml) lies in {path}")
        found += inside
    return tuple(found)


def _if_there(path: Path) -> str | None:
    return read_text(path) if path.is_file() else None


def read_text(path: Path) -> str:
    """Read a file as it is: no newline is translated, for the text is hashed and kept."""
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"{path} is not UTF-8 text"
        raise PawlError(message, code="not_utf8", hint="Save it as UTF-8.") from error


def companion_of(path: Path) -> Path:
    """Name the Python file that belongs to a definition.

    >>> companion_of(Path("shop/order.machine.yaml")).name
    'order.py'
    """
    suffix = next((s for s in SUFFIXES if path.name.endswith(s)), path.suffix)
    return path.with_name(f"{path.name.removesuffix(suffix)}.py")


def is_json(path: Path) -> bool:
    """Whether a definition is XState's JSON."""
    return path.name.endswith(JSON)


def is_scxml(path: Path) -> bool:
    """Whether a definition is W3C SCXML."""
    return path.name.endswith(SCXML)


def impl_of(path: Path) -> Path:
    """Name the companion that implements the names of a definition in JSON; of SCXML, what holds
    the files that a deployed version named.

    >>> impl_of(Path("shop/order.json")).name, impl_of(Path("versions/order.1.scxml")).name
    ('order.impl.yaml', 'order.1.files.json')
    """
    if is_scxml(path):
        return path.with_name(f"{path.name.removesuffix(SCXML)}.files.json")
    return path.with_name(file_name(path.name))


def check(path: Path) -> tuple[Definition, Machine | None, tuple[Diagnostic, ...]]:
    """Check a definition; the diagnostics name the file alone."""
    definition = read(path)
    machine, found = check_text(
        definition.text, path.name, definition.companion, definition.impl, earlier(definition)
    )
    return definition, machine, found


def compile_(
    output: Output, path: Path, target: Target = "postgres"
) -> tuple[Definition, Compiled]:
    """Compile a definition, reporting warnings; end the command if there is an error."""
    definition = read(path)
    with reporting(output, definition):
        compiled = compile_machine(
            definition.text,
            path.name,
            definition.companion,
            definition.impl,
            earlier(definition),
            target,
        )
    report(output, definition, compiled.warnings)
    return definition, compiled


def keep(output: Output, definition: Definition, machine: str, version: int) -> None:
    """Write `versions/order.1.machine.yaml` beside the definition, and `order.1.py` likewise.

    Of a definition in JSON they are `order.1.json` and `order.1.impl.yaml`; of SCXML they are
    `order.1.scxml` and `order.1.files.json`, with the texts of the files that it names.
    """
    stem = definition.path.parent / VERSIONS / f"{machine}.{version}"
    suffix = ".json" if is_json(definition.path) else ".machine.yaml"
    if is_scxml(definition.path):
        suffix = SCXML
    kept = stem.with_name(f"{stem.name}{suffix}")
    texts = {
        kept: definition.text,
        companion_of(kept): definition.companion,
        impl_of(kept): definition.impl,
    }
    for file, text in texts.items():
        if text is None:
            continue
        if not file.exists() or file.read_bytes() != text.encode():
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(text.encode())
            output.note(f"kept the source in {file}")


@contextmanager
def reporting(output: Output, definition: Definition) -> Iterator[None]:
    """Report a `CompileError` inside the block and end the command."""
    try:
        yield
    except CompileError as error:
        report_and_exit(output, definition, error.diagnostics)


def report_and_exit(
    output: Output, definition: Definition, found: tuple[Diagnostic, ...]
) -> NoReturn:
    """Report what is wrong and end the command with exit code 1."""
    if output.json:
        output.error({"code": "compile", "diagnostics": render.json(typed(definition.path, found))})
    else:
        report(output, definition, found)
    raise Exit(1)


def report(output: Output, definition: Definition, found: tuple[Diagnostic, ...]) -> None:
    """Print diagnostics to stderr, with the lines they speak of."""
    color = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    text = render.text(typed(definition.path, found), definition.sources, color)
    if text and not output.json:
        click.echo(text, err=True, nl=False, color=color)


def typed(path: Path, found: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """Put the folder before the file names of diagnostics, so that they name what was typed."""
    return tuple(
        replace(
            one,
            span=_typed(path, one.span),
            related=tuple((_typed(path, span), text) for span, text in one.related),
        )
        for one in found
    )


def _typed(path: Path, span: Span) -> Span:
    return replace(span, file=str(path.parent / span.file))


def has_errors(found: tuple[Diagnostic, ...]) -> bool:
    return any(one.severity is Severity.ERROR for one in found)
