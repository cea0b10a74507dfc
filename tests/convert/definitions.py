"""The definitions that are converted: those of the cases and of the examples."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pawlc.compile import Earlier, earlier_version
from tests.semantics.scenario import cases

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition in YAML, its Python companion if it has one, the versions that it came from."""

    name: str
    file: str
    text: str
    companion: str | None
    earlier: Mapping[int, Earlier] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    @property
    def json(self) -> str:
        """The name that it has in JSON."""
        return self.file.replace(".machine.yaml", ".json")


def definitions() -> tuple[Definition, ...]:
    """Every case, every example, and one with whatever else there is."""
    own = [_definition(case.name, case.definition) for case in cases()]
    rest = Path(__file__).with_name("everything.machine.yaml")
    folders = sorted({file.parent for file in (CHECKOUT / "examples").rglob("*.machine.yaml")})
    shown = [one for folder in folders for one in _versions(folder)]
    return (*own, *shown, _definition("everything", rest))


def _versions(folder: Path) -> list[Definition]:
    """The versions of an example's machine, each with those before it."""
    found: list[Definition] = []
    earlier: dict[int, Earlier] = {}
    for file in sorted(folder.glob("*.machine.yaml"), key=_version):
        one = _definition(f"{folder.name}/{file.name}", file, dict(earlier))
        known = earlier_version(one.text, one.file, one.companion, earlier=earlier)
        assert known is not None
        earlier[_version(file)] = known
        found.append(one)
    return found


def _version(file: Path) -> int:
    written = re.search(r"^version: (\d+)", file.read_text("utf-8"), re.MULTILINE)
    return int(written[1]) if written else 1


def _definition(name: str, file: Path, earlier: Mapping[int, Earlier] | None = None) -> Definition:
    companion = file.with_name(file.name.replace(".machine.yaml", ".py"))
    text = companion.read_text("utf-8") if companion.exists() else None
    return Definition(name, file.name, file.read_text("utf-8"), text, earlier or {})
