"""Lay out a DOT graph as SVG, with the program of the extra `pawl[draw]` or the system's `dot`."""

import shutil
import subprocess
import sysconfig
from pathlib import Path

from pawl.errors import PawlError

PURE = "graphviz-pure"
SECONDS = 60


class DrawingError(PawlError):
    """No program to draw with, or it failed. Codes: `no_graphviz`, `graphviz_failed`."""


def svg(graph: str) -> str:
    """Return the SVG of a DOT graph. Raises `DrawingError`."""
    command = [_program(), "-Tsvg"]
    try:
        done = subprocess.run(
            command, input=graph, capture_output=True, text=True, check=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        raise _failed(f"{command[0]} took longer than {SECONDS} s") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip() or f"exit code {error.returncode}"
        raise _failed(f"{command[0]}: {said}") from None
    return done.stdout


def _failed(message: str) -> DrawingError:
    hint = "--format dot and --format mermaid need no layout"
    return DrawingError(message, code="graphviz_failed", hint=hint)


def _program() -> str:
    """Find graphviz-pure (of this environment first), else dot."""
    beside = Path(sysconfig.get_path("scripts")) / PURE
    found = str(beside) if beside.is_file() else shutil.which(PURE) or shutil.which("dot")
    if found is None:
        raise DrawingError(
            "drawing an SVG needs Graphviz, and there is none",
            code="no_graphviz",
            hint="pip install 'pawl[draw]', or install graphviz; "
            "--format mermaid and --format dot need nothing",
        )
    return found
