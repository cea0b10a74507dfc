"""Machines that none of us wrote stay what they are, in JSON and in YAML."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pawlc import syntax
from pawlc.diagnostics import Severity
from pawlc.model.alike import differences
from pawlc.model.resolve import resolve
from pawlc.parse import parse
from pawlc.parse.xstate import read_machine
from pawlc.write.convert import Form, convert
from tests.conformance import suites
from tests.convert.same import meaning

FILES = [
    file
    for folder in ("xstate-recorded", "xstate-walks")
    for file in sorted((suites.DEFAULT / folder).glob("*.json"))
]
REFUSED = {("transient", 17), ("transient", 18)}
"""Machines with `maxIterations`, which the native form does not have, by their place in a file."""


def machines(file: Path) -> Iterator[tuple[int, syntax.Machine]]:
    """The machines of a file that can be read, with their numbers."""
    content = json.loads(file.read_text("utf-8"))
    charts = [one["machine"] for one in content] if isinstance(content, list) else [content]
    for number, chart in enumerate(charts):
        machine, found = read_machine(json.dumps(chart["config"]), "m.json", None)
        if machine is not None and all(one.severity is not Severity.ERROR for one in found):
            yield number, machine


def back(machine: syntax.Machine, form: Form) -> syntax.Machine | None:
    """A machine that was written and read again; None if it cannot be written."""
    made, refused = convert(machine, form)
    if made is None:
        assert [one.code for one in refused] == ["PW983"]
        return None
    found, _ = (
        parse(made.text, "m.machine.yaml")
        if made.companion is None
        else read_machine(made.text, "m.json", made.companion)
    )
    assert found is not None
    return found


@pytest.mark.skipif(not FILES, reason=suites.ABSENT)
def test_there_are_hundreds_of_machines() -> None:
    assert sum(1 for file in FILES for _ in machines(file)) > 400


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_machine_is_the_same_in_json_again(file: Path) -> None:
    for number, machine in machines(file):
        again = back(machine, "xstate")
        assert again is not None
        assert differences(resolve(machine)[0], resolve(again)[0], ()) == (), number


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_machine_is_written_in_yaml_word_for_word(file: Path) -> None:
    for number, machine in machines(file):
        again = back(machine, "yaml")
        assert (again is None) == ((file.stem, number) in REFUSED)
        assert again is None or meaning(again) == meaning(machine), number
