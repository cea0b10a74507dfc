"""What is written is read as the same machine, wherever it came from."""

import json
from pathlib import Path
from typing import Any

import pytest

from pawlc import syntax
from pawlc.diagnostics import Severity
from pawlc.parse import parse
from pawlc.write import native
from tests.convert.same import meaning
from tests.semantics.scenario import cases

CHECKOUT = Path(__file__).parents[3]
DEFINITIONS = (
    *(case.definition for case in cases()),
    *sorted((CHECKOUT / "examples").rglob("*.machine.yaml")),
)


def read(text: str, file: str, impl: str | None = None) -> syntax.Machine:
    found, diagnostics = parse(text, file, impl)
    assert [d for d in diagnostics if d.severity is Severity.ERROR] == []
    assert found is not None
    return found


@pytest.mark.parametrize("file", DEFINITIONS, ids=lambda file: file.parent.name)
def test_a_definition_stays_the_same(file: Path) -> None:
    machine = read(file.read_text(encoding="utf-8"), file.name)
    again = read(native(machine), file.name)
    assert meaning(again) == meaning(machine)
    assert native(again) == native(machine)


IMPORTED: dict[str, Any] = {
    "id": "Order (v2)",
    "context": {"count": 0, "note": "it's: #1", "list": [1, {"a": None}], "on": True},
    "initial": "New Game",
    "meta": {"emoji": "🛡️", "break": "\u2028", "n": 1},
    "states": {
        "New Game": {
            "entry": ["save dir", {"type": "greet", "params": {"who": "all", "n": 2}}],
            "on": {
                "go, now": {"target": "a.b", "guard": {"type": "not", "guards": ["is ok?"]}},
                "null": {},
                "never": [],
                "two": [{"guard": "is ok?", "target": "#Order (v2).last"}, "null"],
            },
            "after": {"1000": "null", "a while": {"actions": "save dir"}},
        },
        "a.b": {
            "type": "parallel",
            "states": {"x": {"initial": "1", "states": {"1": {}}}, "y": {}},
            "invoke": {"src": "api/fetch", "input": {"text": "line\nbreak"}, "onDone": ".x"},
        },
        "null": {"type": "history", "history": "deep"},
        "last": {"type": "final", "output": {"done": True}},
    },
}
COMPANION = """\
guards:
  is ok?: |
    context.count > 0
      and context.note <> '# not a comment'
actions:
  save dir: []
  greet: { params: [who, n], actions: [{ log: params.who || params.n }, { raise: 'a, b' }] }
delays:
  a while: interval '5 minutes'
effects:
  api/fetch:
    timeout: 5 s
    heartbeat: 2 s
    start_within: 1 day
    priority: -3
    concurrency: 4
    rate: { limit: 10, per: 1 min }
    retry: { attempts: 2, backoff: 1 s .. 1 min, except: [gone, "404"] }
authorize: { send: { 'go, two': 'true', "*": claims->>'sub' = 'x' } }
"""


def test_names_of_any_kind_survive_an_import() -> None:
    machine = read(json.dumps(IMPORTED, indent=1), "order.json", COMPANION)
    again = read(native(machine), "order.machine.yaml")
    assert meaning(again) == meaning(machine)
