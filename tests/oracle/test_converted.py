"""XState reads what `pawl convert` writes, and sees the same chart."""

import json
import subprocess
from random import Random
from typing import Any

import pytest

from pawlc.model.machine import Machine, State
from pawlc.model.targets import split_path
from tests.convert.definitions import CHECKOUT, Definition, definitions
from tests.convert.test_random_charts import SEEDS, drawn
from tests.convert.test_xstate import converted, machine
from tests.docs.document import blocks
from tests.optional import require
from tests.oracle import process, xstate
from tests.oracle.charts import chart as draw
from tests.oracle.charts import walk
from tests.oracle.converted import config
from tests.oracle.native import definition
from tests.oracle.process import XState

DEFINITIONS = (*definitions(), *map(drawn, SEEDS))
Chart = list[dict[str, Any]]


@pytest.fixture(scope="module")
def charts() -> dict[str, Any]:
    """What XState makes of every converted definition, by its name."""
    require("xstate", process.missing())
    texts = [converted(one.text, one.file, "xstate").text for one in DEFINITIONS]
    lines = "".join(f"{json.dumps(json.loads(text))}\n" for text in texts)
    command = ["node", str(process.HERE / "charts_of.mjs")]
    told = subprocess.run(
        command, input=lines, capture_output=True, text=True, cwd=process.HERE, check=True
    )
    found = map(json.loads, told.stdout.splitlines())
    return {one.name: chart for one, chart in zip(DEFINITIONS, found, strict=True)}


@pytest.mark.parametrize("one", DEFINITIONS, ids=str)
def test_xstate_sees_the_same_chart(one: Definition, charts: dict[str, Any]) -> None:
    assert charts[one.name] == chart(machine(one, one.text, one.file))


WALK = """
import { createActor } from 'xstate';
const actor = createActor(machine).start();
const seen = ({ value, context } = actor.getSnapshot()) => [value, context.knocks];
const all = [seen()];
for (let i = 0; i < 3; i++) { actor.send({ type: 'knock' }); all.push(seen()); }
console.log(JSON.stringify([all, actor.getSnapshot().status]));
"""


def pages() -> tuple[str, str, str]:
    """The chart of the page about XState, and its two scripts."""
    page = (CHECKOUT / "docs" / "xstate.md").read_text("utf-8")
    own = [block for block in blocks(page) if block.language == "yaml" or block.reason]
    chart, run, revive = (block.text.partition("\n")[2] for block in own)
    return chart, run, revive


def told(script: str) -> Any:
    """What a script for node prints."""
    require("xstate", process.missing())
    found = subprocess.run(
        ["node", "--input-type=module", "-"],
        input=script,
        capture_output=True,
        text=True,
        cwd=process.HERE,
        check=True,
    )
    return json.loads(found.stdout)


def test_the_page_about_xstate_says_how_to_run_it_there() -> None:
    chart, run, _ = pages()
    door = converted(chart, "door.machine.yaml", "xstate").text
    script = run.replace("import door from './door.json';", f"const door = {door};")
    steps = [["closed", 0], ["closed", 1], ["closed", 2], ["opened", 2]]
    assert told(script + WALK) == [steps, "done"]


RAISING = """\
machine: raising
version: 1
context: { flag: boolean not null default false, on: boolean not null default true }
authorize: {}
initial: a
states:
  a:
    entry: [{ raise: go }, { raise: { event: late, delay: 1500, id: x } }, { cancel: x }]
    on:
      go:
        target: b
        guard: { and: [{ not: context.flag }, { or: [context.flag, context.on] }] }
  b: { type: final }
"""
RAISED = """
import { createActor, createMachine } from 'xstate';
const names = ['flag', 'on'].map((name) => [`context.${name}`, ({ context }) => context[name]]);
const machine = createMachine(revived(chart)).provide({ guards: Object.fromEntries(names) });
console.log(JSON.stringify(createActor(machine).start().getSnapshot().value));
"""


def test_the_page_about_xstate_says_how_built_ins_come_to_life() -> None:
    _, _, revive = pages()
    chart = converted(RAISING, "raising.machine.yaml", "xstate").text
    assert told(f"{revive}\nconst chart = {chart};\n{RAISED}") == "b"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_converted_chart_goes_as_the_one_it_comes_from(seed: int, oracle: XState) -> None:
    random = Random(seed)
    drawn = draw(random)
    steps = xstate.steps(walk(random))
    made = converted(definition(drawn), "chart.machine.yaml", "xstate")
    again = oracle.ask(config(drawn, made), steps)
    assert again == oracle.ask(xstate.config(drawn), steps)


def chart(made: Machine) -> Chart:
    """A machine as `charts_of.mjs` shows one."""
    return [_state(made, state) for state in made.states]


def _state(machine: Machine, state: State) -> dict[str, Any]:
    taken = [transition.targets for transition in (*state.transitions, *state.always)]
    return {
        "path": _path(state),
        "type": state.kind.value,
        "initial": [_path(machine.states[t]) for t in state.initial.targets]
        if state.initial
        else [],
        "transitions": sorted(
            ([_path(machine.states[t]) for t in targets] for targets in taken),
            key=lambda paths: json.dumps(paths, separators=(",", ":"), ensure_ascii=False),
        ),
        "invokes": [invoke.id for invoke in state.invokes],
    }


def _path(state: State) -> str:
    return " / ".join(split_path(state.path)) if state.path else ""
