"""The examples compile without a word, and the tutorial ends where the order begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from pawl.cli.definitions import earlier, read
from pawlc.compile import compile_machine
from tests.docs.document import CHECKOUT, blocks

EXAMPLES = CHECKOUT / "examples"


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.machine.yaml")), ids=lambda p: p.stem)
def test_an_example_compiles_without_a_warning(path: Path) -> None:
    definition = read(path)
    compiled = compile_machine(
        definition.text, path.name, definition.companion, earlier=earlier(definition)
    )
    assert compiled.warnings == ()
    assert bool(compiled.python) == (definition.companion is not None)


def test_every_example_has_a_page_that_the_index_names() -> None:
    folders = sorted(path.parent.name for path in EXAMPLES.rglob("*.machine.yaml"))
    index = (EXAMPLES / "README.md").read_text("utf-8")
    for folder in folders:
        assert (EXAMPLES / folder / "README.md").is_file()
        assert f"({folder}/README.md)" in index


def test_the_tutorial_arrives_at_the_example() -> None:
    tutorial = (CHECKOUT / "docs" / "tutorial.md").read_text("utf-8")
    last = [block.text for block in blocks(tutorial) if block.file == "order.machine.yaml"][-1]
    example = (EXAMPLES / "food_delivery" / "order.machine.yaml").read_text("utf-8")
    name = "# order.machine.yaml\n"
    assert last == name + example.replace("version: 1\n", "version: 5\n", 1)
