"""The process in which XState runs: machines and steps in, what they show out.

It needs `node` and the package beside this file, which `make oracle-setup` installs.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def missing() -> str | None:
    """Say what is not here, if anything."""
    if shutil.which("node") is None:
        return "node is not on PATH"
    if not (HERE / "node_modules" / "xstate").is_dir():
        return "`make oracle-setup` has not been run"
    return None


class Thrown(Exception):
    """XState refused a config."""


class XState:
    """A running `xstate.mjs`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, machine: Any, steps: list[Any]) -> list[Any]:
        """Run a machine; return what it shows at its start and after each step."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"machine": machine, "steps": steps}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"xstate.mjs ended with {self._process.wait()}")
        answer = json.loads(line)
        if isinstance(answer, dict):
            raise Thrown(answer["thrown"])
        assert isinstance(answer, list)
        return answer


@contextmanager
def xstate() -> Iterator[XState]:
    """Start the process, and end it."""
    command = ["node", str(HERE / "xstate.mjs")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE
    ) as process:
        try:
            yield XState(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
