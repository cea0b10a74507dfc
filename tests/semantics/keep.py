"""Make a case of what `make fuzz` found.

    python -m tests.semantics.keep .fuzz/postgres-7 parallel/its_name

A finding is a folder with `chart.machine.yaml` and `scenario.yaml`, in which every step shows what
it should. Becoming a case it gets a name, and stands in `tests/cases/<concept>/<name>/`.
"""

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.semantics.observed import Observed
from tests.semantics.scenario import CASES

Step = tuple[Mapping[str, Any], Mapping[str, Any]]
"""What is done, `{send: …}`, and what it must show; as in a scenario."""


def write(folder: Path, definition: str, steps: Iterable[Step]) -> None:
    """Write a finding: a machine called `chart`, and its steps."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "chart.machine.yaml").write_text(definition, encoding="utf-8")
    (folder / "scenario.yaml").write_text(scenario(steps), encoding="utf-8")


def scenario(steps: Iterable[Step]) -> str:
    """The text of a scenario.

    >>> print(scenario([({"create": {}}, {"state": ["a"]})]), end="")
    steps:
      - create: {}
        expect: {"state": ["a"]}
    """
    lines = ["steps:"]
    for doing, expect in steps:
        ((key, value),) = doing.items()
        lines.append(f"  - {key}: {json.dumps(value)}")
        lines.append(f"    expect: {json.dumps(expect)}")
    return "\n".join(lines) + "\n"


def expectation(observed: Observed) -> dict[str, Any]:
    """All that a step shows, as a scenario says it.

    >>> expectation(Observed(state=("a",), log=("+a",)))
    {'state': ['a'], 'log': ['+a']}
    """
    if observed.error:
        return {"state": list(observed.state), "error": observed.error}
    found: dict[str, Any] = {"state": list(observed.state)}
    if observed.context:
        found["context"] = dict(observed.context)
    if observed.status != "running":
        found |= {"status": observed.status, "output": observed.output}
    if not observed.handled:
        found["handled"] = False
    for key in ("effects", "started"):
        if named := getattr(observed, key):
            found[key] = [{name: input} for name, input in named]
    for key in ("timers", "invokes", "log"):
        if names := getattr(observed, key):
            found[key] = list(names)
    return found


def keep(finding: Path, name: str) -> Path:
    """Move a finding to the cases, as `<concept>/<name>`; return its folder."""
    folder = CASES / name
    folder.mkdir(parents=True)
    definition = (finding / "chart.machine.yaml").read_text(encoding="utf-8")
    definition = definition.replace("machine: chart\n", f"machine: {folder.name}\n")
    definition = definition.replace("#chart", f"#{folder.name}")
    (folder / f"{folder.name}.machine.yaml").write_text(definition, encoding="utf-8")
    (finding / "scenario.yaml").rename(folder / "scenario.yaml")
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.semantics.keep")
    parser.add_argument("finding", type=Path, help="a folder that `make fuzz` wrote")
    parser.add_argument("name", help="concept/name")
    options = parser.parse_args()
    folder = keep(options.finding, options.name)
    print(f"{folder}: simplify it, say in a comment what it shows, and run `make golden`")


if __name__ == "__main__":
    main()
