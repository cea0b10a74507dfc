"""Definitions from files, deployed into a test's database."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg

from pawl.cli.definitions import Definition, earlier, read
from pawl.deploy.deploy import deploy as deploy_compiled
from pawl.testing.errors import ChartRefused
from pawlc import render
from pawlc.compile import compile_machine
from pawlc.diagnostics import CompileError

PATTERNS = ("*.machine.yaml", "*.machine.yml", "*.machine.json", "*.scxml")
NUMBERED = re.compile(r"\.[0-9]+\.(machine\.)?\w+")
"""How the name of a file ends that holds a version beside others: `order.2.machine.yaml`."""


def beside(folder: Path, top: Path) -> tuple[Path, ...]:
    """The definitions in a folder, else in the nearest folder above that has some, up to `top`.

    Not those with a version's number in their names: which of them run together, a test says.
    """
    for place in (folder, *folder.parents):
        files = sorted(file for pattern in PATTERNS for file in place.glob(pattern))
        found = [file for file in files if not NUMBERED.search(file.name)]
        if found or place == top:
            return tuple(found)
    return ()


def read_all(files: Iterable[Path]) -> tuple[Definition, ...]:
    """Read definitions with what lies beside them. Raises `OSError`."""
    return tuple(read(file) for file in files)


def deploy(connection: psycopg.Connection[Any], definition: Definition) -> None:
    """Compile and deploy. Raises `ChartRefused`, as `pawl check` would print it, or
    `DeployRefused`."""
    name = definition.path.name
    try:
        compiled = compile_machine(
            definition.text, name, definition.companion, definition.impl, earlier(definition)
        )
        deploy_compiled(connection, compiled)
    except CompileError as error:
        sources = {Path(file).name: text for file, text in definition.sources.items()}
        text = render.text(error.diagnostics, sources, False)
        raise ChartRefused(f"{definition.path} does not compile\n\n{text}") from None
