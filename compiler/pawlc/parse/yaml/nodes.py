"""The YAML of a definition as a tree of positioned nodes; every scalar is text."""

from dataclasses import dataclass

from pawlc.source import Span, Text


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar. `plain`: without quotes or block indicator; `rest`: what follows on its line."""

    text: Text
    plain: bool
    rest: str

    @property
    def span(self) -> Span:
        """Where it stands, quotes included."""
        return self.text.span

    @property
    def missing(self) -> bool:
        """Whether nothing was written, as after `key:` at a line's end."""
        return self.plain and self.text.value == ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A key and its value."""

    key: Text
    value: "Node"


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping in the file's order, its keys distinct. `flow` means written with braces."""

    entries: tuple[Entry, ...]
    flow: bool
    span: Span

    def get(self, key: str) -> "Node | None":
        """The value of a key, or None."""
        return next((entry.value for entry in self.entries if entry.key.value == key), None)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list. `flow` means written with brackets."""

    items: tuple["Node", ...]
    flow: bool
    span: Span


Node = Scalar | Mapping | Sequence


def describe(node: Node) -> str:
    """What a message calls a node."""
    match node:
        case Mapping():
            return "a mapping"
        case Sequence():
            return "a list"
        case Scalar():
            return "nothing" if node.missing else "text"
