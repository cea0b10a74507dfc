"""A definition in another form, as a person converts it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Pawl

DOOR = """\
machine: door
version: 3
context: { knocks: int not null default 0, why: text }
events: { knock: {}, open: { key: text not null } }
authorize: { send: { "*": "true" } }
effects: { ring: {} }
initial: closed
states:
  closed: # a comment
    on:
      knock:
        - { target: opened, guard: context.knocks >= 2 }
        - actions: [{ assign: { knocks: context.knocks + 1 } }, { effect: ring }]
      open: { target: opened, assign: { why: event.key } }
  opened: { type: final, output: { knocks: context.knocks, by: "'hand'" } }
"""
LAMP = """\
machine: lamp
authorize: {}
events: { press: {} }
initial: dark
states: { dark: { on: { press: bright } }, bright: { on: { press: dark } } }
"""
JSON = """\
{
  "id": "door",
  "queryLanguage": "sql",
  "context": { "knocks": 0, "why": null },
  "initial": "closed",
  "states": {
    "closed": {
      "on": {
        "knock": [
          { "target": "opened", "guard": "context.knocks >= 2" },
          { "actions": ["knocks := context.knocks + 1", "ring"] }
        ],
        "open": { "target": "opened", "actions": "why := event.key" }
      }
    },
    "opened": { "type": "final", "output": { "knocks": "{{ context.knocks }}", "by": "hand" } }
  }
}
"""


@pytest.fixture
def door(pawl: Pawl) -> Path:
    file = Path("door.machine.yaml")
    file.write_text(DOOR)
    return file


def test_a_definition_is_printed_as_xstate_reads_it(pawl: Pawl, door: Path) -> None:
    assert pawl("convert", str(door), "--to", "xstate").out == JSON


def test_a_lost_comment_is_told(pawl: Pawl, door: Path) -> None:
    told = "comments are not kept, descriptions are"
    assert told in pawl("convert", str(door), "--to", "yaml").err
    door.write_text(DOOR.replace(" # a comment", "") + 'description: "no # comment"\n')
    assert told not in pawl("convert", str(door), "--to", "yaml").err


def test_json_and_its_companion_compile_and_come_back(pawl: Pawl, door: Path) -> None:
    assert pawl("convert", str(door), "--to", "xstate", "-o", "door.json").code == 0
    assert Path("door.json").read_text() == JSON
    assert pawl("check", "door.json").out == "door.json: door version 3 is good\n"
    told = pawl("convert", "--json", "door.json", "--to", "yaml", "-o", "again.machine.yaml").json
    assert told == {"files": ["again.machine.yaml"]}
    assert pawl("check", "again.machine.yaml").code == 0


def test_a_folder_gets_files_of_the_same_name(pawl: Pawl, door: Path) -> None:
    Path("json").mkdir()
    pawl("convert", str(door), "--to", "xstate", "-o", "json")
    found = sorted(file.name for file in Path("json").iterdir())
    assert found == ["door.impl.yaml", "door.json"]


def test_python_goes_with_the_definition(pawl: Pawl, door: Path) -> None:
    door.write_text(DOOR.replace("guard: context.knocks >= 2", "guard: { python: patient }"))
    python = "def patient(knocks: int) -> bool:\n    return knocks < 2\n"
    Path("door.py").write_text(python)
    Path("json").mkdir()
    assert pawl("convert", str(door), "--to", "xstate", "-o", "json/gate.json").code == 0
    assert Path("json/gate.py").read_text() == python
    assert pawl("check", "json/gate.json").code == 0


def test_no_file_is_overwritten(pawl: Pawl, door: Path) -> None:
    Path("door.impl.yaml").write_text("mine")
    run = pawl("convert", str(door), "--to", "xstate", "-o", "door.json")
    assert run.code == 2
    assert "door.impl.yaml exists already; it was left as it is" in run.err
    assert not Path("door.json").exists()
    assert Path("door.impl.yaml").read_text() == "mine"


def test_what_cannot_be_written_leaves_nothing_behind(pawl: Pawl, door: Path) -> None:
    door.write_text(DOOR.replace("guard: context.knocks >= 2", "guard: { python: patient }"))
    Path("door.py").write_text("def patient(knocks: int) -> bool:\n    return knocks < 2\n")
    run = pawl("convert", str(door), "--to", "xstate", "-o", "missing/gate.json")
    assert run.code == 1
    assert "No such file or directory" in run.err
    assert not Path("missing").exists()
    Path("json").mkdir()
    Path("json/gate.py").symlink_to("missing/gate.py")
    run = pawl("convert", str(door), "--to", "xstate", "-o", "json/gate.json")
    assert run.code == 2
    assert "json/gate.py exists already" in run.err
    assert [file.name for file in Path("json").iterdir()] == ["gate.py"]


def test_a_file_has_the_name_that_its_form_is_known_by(pawl: Pawl, door: Path) -> None:
    run = pawl("convert", str(door), "--to", "xstate", "-o", "door.yaml")
    assert run.code == 2
    assert "door.yaml must end with .json" in run.err


def test_what_cannot_be_said_is_refused(pawl: Pawl, door: Path) -> None:
    door.write_text(
        DOOR.replace("initial: closed", 'initial: "#shut"').replace("# a", "\n    id: shut #")
    )
    run = pawl("convert", str(door), "--to", "xstate", "-o", "door.json")
    assert run.code == 1
    assert "error[PW980]" in run.err
    assert not Path("door.json").exists()
    assert pawl("convert", str(door), "--to", "yaml").code == 0


def test_what_does_not_compile_is_not_converted(pawl: Pawl, door: Path) -> None:
    door.write_text(DOOR.replace("target: opened", "target: open"))
    run = pawl("convert", "--json", str(door), "--to", "xstate")
    assert run.code == 1
    assert {one["code"] for one in json.loads(run.err)["error"]["diagnostics"]} == {"PW204"}


def test_json_without_its_companion_is_not_converted(pawl: Pawl) -> None:
    Path("door.json").write_text(JSON)
    run = pawl("convert", "door.json", "--to", "yaml")
    assert run.code == 1
    assert "`pawl import door.json` writes `door.impl.yaml` to fill in" in run.err


def test_a_definition_becomes_scxml_that_compiles(pawl: Pawl) -> None:
    Path("lamp.machine.yaml").write_text(LAMP)
    told = pawl("convert", "lamp.machine.yaml", "--to", "scxml", "-o", ".")
    assert told.out == "wrote lamp.scxml\n"
    assert "warning[PW972]" in told.err
    assert pawl("check", "lamp.scxml").code == 0


def test_what_scxml_cannot_say_is_refused_at_its_place(pawl: Pawl, door: Path) -> None:
    told = pawl("convert", str(door), "--to", "scxml", "-o", "door.scxml")
    assert told.code == 1
    assert told.out == ""
    assert "error[PW970]: SCXML has no `effects`\n  --> door.machine.yaml:6:12" in told.err
    assert not Path("door.scxml").exists()
