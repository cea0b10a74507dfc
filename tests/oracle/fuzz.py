"""Random charts in XState and in Pawl until the time is up; a part of `make fuzz`."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from tests.oracle.charts import Advance, Chart, Send, Step, chart, walk
from tests.oracle.compare import (
    Refused,
    Report,
    Shown,
    Verdict,
    compare,
    compare_walks,
    shown_by_xstate,
)
from tests.oracle.native import definition
from tests.oracle.process import XState, xstate
from tests.oracle.shrink import Run, shrink
from tests.semantics import keep

WALKS = 4


class Difference(Exception):
    """Pawl and XState differ, and no rule says why."""


def run(first_seed: int, until: float, findings: Path) -> Iterator[Counter[str]]:
    """Yield what the runs through one chart after the other gave, until `time.monotonic()` is
    `until`: how many had each verdict, and in how many each rule of README.md had a part.

    A difference is shrunk, written to `findings` and raised.
    """
    with xstate() as oracle:
        seed = first_seed
        while time.monotonic() < until:
            yield one(oracle, seed, findings)
            seed += 1


def one(oracle: XState, seed: int, findings: Path) -> Counter[str]:
    """The runs of one seed."""
    random = Random(seed)
    drawn = chart(random)
    drawn_walks = [walk(random) for _ in range(WALKS)]
    counts: Counter[str] = Counter()
    reports = compare_walks(oracle, drawn, drawn_walks)
    for taken, report in zip(drawn_walks, reports, strict=False):
        if report.verdict is Verdict.DIFFERENT:
            raise Difference(_explained(oracle, seed, Run(drawn, taken), findings))
        counts[report.verdict] += 1
        counts.update(report.rules)
        if report.endless_at_once:
            break  # as every other walk would be
    return counts


def _explained(oracle: XState, seed: int, found: Run, findings: Path) -> str:
    """Shrink a run that differs, keep it, and say what was found."""

    def differs(run: Run) -> bool:
        try:
            return compare(oracle, run.chart, run.walk).verdict is Verdict.DIFFERENT
        except Refused:
            return False

    small = shrink(found, differs)
    report = compare(oracle, small.chart, small.walk)
    folder = findings / f"xstate-{seed}"
    keep.write(folder, definition(small.chart), scenario(oracle, small.chart, small.walk))
    return f"seed {seed}, step {report.at}, kept in {folder}\n{told(report)}"


def told(report: Report) -> str:
    """Both sides of a step that differs."""
    return f"XState: {report.theirs}\nPawl:   {report.ours}"


def scenario(oracle: XState, chart: Chart, walk: tuple[Step, ...]) -> Iterator[keep.Step]:
    """The steps of a walk with what they show in XState."""
    creation, *steps = shown_by_xstate(oracle, chart, walk)
    yield {"create": {}}, expectation(creation)
    for step, shown in zip(walk, steps, strict=True):
        yield doing(step), expectation(shown)


def doing(step: Step) -> dict[str, Any]:
    """A step as a scenario says it.

    >>> doing(Advance(1500))
    {'advance': '1500 milliseconds'}
    """
    match step:
        case Send():
            return {"send": {"type": step.event, "x": step.number}}
        case Advance():
            return {"advance": f"{step.milliseconds} milliseconds"}


def expectation(shown: Shown) -> dict[str, Any]:
    """What a step shows, as a scenario says it."""
    if shown.endless:
        return {"error": "endless_loop"}
    found: dict[str, Any] = {"state": list(shown.state), "context": dict(shown.context)}
    if shown.status != "running":
        found |= {"status": shown.status, "output": shown.output}
    return found | ({"log": list(shown.log)} if shown.log else {})
