"""A Markdown document as the blocks that it fences, in order.

A block is executed by its language: `yaml` is saved under the name in its first line
(`# order.machine.yaml`), `xml` too (`<!-- order.scxml -->`), `python` run, or saved if its first
line is such a name, `sql` sent to the database, `console` run line by line where it says
`$ pawl …` or `$ pytest …`. A `text` or `json` block behind an `sql` or `python` one is what that
prints. A first line `# not executed: reason` (`--` in SQL) keeps a block from being executed;
`-- excerpt of order.machine.yaml` shows a part of what that file compiles to. `docs/README.md`
tells readers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
EXECUTED = frozenset({"yaml", "xml", "python", "sql", "console"})
OUTPUT = frozenset({"text", "json"})

_FENCE = re.compile(r"( *)```(\w*)\s*$")
_NAME = re.compile(r"(?:# |<!-- )([\w./-]+\.(?:yaml|py|scxml))(?: -->)?$")
_REASON = re.compile(r"(?:#|--) not executed: (.+)$")
_EXCERPT = re.compile(r"-- excerpt of ([\w.-]+\.machine\.yaml)\b.*$")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. `line` (from 1) is that of its first line of text."""

    language: str
    text: str
    line: int

    @property
    def first(self) -> str:
        """The line that may name a file or give a reason."""
        return self.text.split("\n", 1)[0]

    @property
    def file(self) -> str | None:
        """The name under which it is saved.

        >>> Block("yaml", "# order.machine.yaml\\nmachine: order\\n", 1).file
        'order.machine.yaml'
        """
        found = _NAME.match(self.first)
        return found[1] if found and self.language in ("yaml", "xml", "python") else None

    @property
    def reason(self) -> str | None:
        """Why it is not executed.

        >>> Block("console", "# not executed: needs a terminal\\n$ make demo\\n", 1).reason
        'needs a terminal'
        """
        found = _REASON.match(self.first)
        return found[1] if found else None

    @property
    def excerpt(self) -> str | None:
        """The definition that it shows the SQL of."""
        found = _EXCERPT.match(self.first) if self.language == "sql" else None
        return found[1] if found else None


@dataclass(frozen=True, slots=True)
class Step:
    """A block and the block of output behind it."""

    block: Block
    output: Block | None


def documents() -> list[Path]:
    """The documents whose blocks are executed."""
    rooms = (*(CHECKOUT / "docs").glob("*.md"), *(CHECKOUT / "examples").rglob("README.md"))
    return [CHECKOUT / "README.md", *sorted(rooms)]


def beside(document: Path) -> list[Path]:
    """The definitions and companions that lie beside a document."""
    return [*document.parent.glob("*.machine.yaml"), *document.parent.glob("*.py")]


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a document. Raises ValueError for one that does not end."""
    found: list[Block] = []
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        opening = _FENCE.match(lines[number])
        if opening is None:
            number += 1
            continue
        indent, language = opening.groups()
        try:
            end = lines.index(f"{indent}```", number + 1)
        except ValueError:
            raise ValueError(f"the block of line {number + 1} does not end") from None
        inside = [line.removeprefix(indent) for line in lines[number + 1 : end]]
        found.append(Block(language, "".join(f"{line}\n" for line in inside), number + 2))
        number = end + 1
    return found


def steps(text: str) -> list[Step]:
    """The blocks with their outputs. Raises ValueError for one that nothing checks."""
    found: list[Step] = []
    for block in blocks(text):
        if block.language in EXECUTED:
            found.append(Step(block, None))
        elif block.language not in OUTPUT:
            raise ValueError(f"line {block.line}: nothing executes `{block.language}`")
        elif not found or found[-1].output is not None or not _prints(found[-1].block):
            raise ValueError(f"line {block.line}: nothing prints this")
        else:
            found[-1] = Step(found[-1].block, block)
    return found


def _prints(block: Block) -> bool:
    return block.language in ("sql", "python") and not (block.file or block.excerpt or block.reason)
