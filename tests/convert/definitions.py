"""The definitions that are converted: those of the cases and of the examples."""

from dataclasses import dataclass
from pathlib import Path

from tests.semantics.scenario import cases

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition in YAML, and its Python companion if it has one."""

    name: str
    file: str
    text: str
    companion: str | None

    def __str__(self) -> str:
        return self.name

    @property
    def json(self) -> str:
        """The name that it has in JSON."""
        return self.file.replace(".machine.yaml", ".json")


def definitions() -> tuple[Definition, ...]:
    """Every case, every example, and one with whatever else there is."""
    own = [(case.name, case.definition) for case in cases()]
    shown = sorted((CHECKOUT / "examples").rglob("*.machine.yaml"))
    own += [(f"examples/{file.parent.name}/{file.name}", file) for file in shown]
    own.append(("everything", Path(__file__).with_name("everything.machine.yaml")))
    return tuple(_definition(name, file) for name, file in own)


def _definition(name: str, file: Path) -> Definition:
    companion = file.with_name(file.name.replace(".machine.yaml", ".py"))
    text = companion.read_text("utf-8") if companion.exists() else None
    return Definition(name, file.name, file.read_text("utf-8"), text)
