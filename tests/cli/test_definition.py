"""`new`, `check`, `compile`, `diagram`, `explain`: what needs no database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Pawl

BROKEN = """\
machine: lamp
version: 1
events: { push: {} }
authorize: { create: true, read: true, send: { push: true } }
initial: off
states:
  off: { on: { push: lid } }
  lit: { on: { push: off } }
"""


def test_new_writes_a_chart_that_is_good_and_says_how_to_go_on(pawl: Pawl) -> None:
    made = pawl("new", "parcel")
    assert (made.code, made.err) == (0, "")
    assert made.out.startswith(
        "wrote parcel.machine.yaml and test_parcel.py\nnext: pawl check parcel.machine.yaml"
    )
    assert pawl("check", "parcel.machine.yaml").out == (
        "parcel.machine.yaml: parcel version 1 is good\n"
    )


def test_new_overwrites_nothing(pawl: Pawl) -> None:
    Path("parcel.machine.yaml").write_text("mine")
    again = pawl("new", "parcel")
    assert again.code == 2
    assert "exists already" in again.err
    assert Path("parcel.machine.yaml").read_text() == "mine"
    assert not Path("test_parcel.py").exists()
    Path("test_letter.py").write_text("mine")
    assert pawl("new", "letter").code == 2
    assert not Path("letter.machine.yaml").exists()


@pytest.mark.parametrize("name", ["1st", "a b", "a.b", "", "../up"])
def test_new_refuses_a_name_that_no_machine_can_have(pawl: Pawl, name: str) -> None:
    assert pawl("new", name).code == 2
    assert list(Path().iterdir()) == []


def test_check_shows_each_error_at_its_line_and_fails(pawl: Pawl) -> None:
    Path("lamp.machine.yaml").write_text(BROKEN)
    Path("deep").mkdir()
    Path("deep/good.machine.yaml").write_text(BROKEN.replace("push: lid }", "push: lit }"))
    run = pawl("check", "lamp.machine.yaml", "deep/good.machine.yaml")
    assert run.code == 1
    assert "error[PW204]: " in run.err
    assert "--> lamp.machine.yaml:7:" in run.err
    assert "deep/good.machine.yaml: lamp version 1 is good" in run.out


def test_check_names_the_path_as_it_was_typed(pawl: Pawl) -> None:
    Path("deep").mkdir()
    Path("deep/lamp.machine.yaml").write_text(BROKEN)
    assert "--> deep/lamp.machine.yaml:7:" in pawl("check", "deep/lamp.machine.yaml").err


def test_a_version_that_lies_beside_is_known_to_a_migration(pawl: Pawl) -> None:
    lamp = BROKEN.replace("lid", "lit")
    Path("lamp.machine.yaml").write_text(lamp)
    later = lamp.replace("version: 1", "version: 2").replace("off", "dark")
    Path("lamp.2.machine.yaml").write_text(f"{later}migrate: {{ 1: {{}} }}\n")
    run = pawl("check", ".")
    assert run.code == 1
    assert run.out == "lamp.machine.yaml: lamp version 1 is good\n"
    assert "error[PW461]: from version 1, `off` has no state to go to" in run.err


def test_check_gives_the_diagnostics_as_json(pawl: Pawl) -> None:
    Path("lamp.machine.yaml").write_text(BROKEN)
    run = pawl("check", "--json", "lamp.machine.yaml")
    assert (run.code, run.err) == (1, "")
    found = {(d["code"], d["file"], d["line"]) for d in run.json}
    assert ("PW204", "lamp.machine.yaml", 7) in found


def test_the_companion_is_read_by_itself(pawl: Pawl) -> None:
    text = BROKEN.replace("push: lid }", "push: { target: lit, guard: { python: allowed } } }")
    Path("lamp.machine.yaml").write_text(text)
    assert "PW320" in pawl("check", "lamp.machine.yaml").err
    Path("lamp.py").write_text("def allowed() -> bool:\n    return True\n")
    assert pawl("check", "lamp.machine.yaml").code == 0


def test_a_file_that_is_not_there_is_a_mistake_of_the_command_line(pawl: Pawl) -> None:
    run = pawl("check", "nowhere.machine.yaml")
    assert run.code == 2
    assert "nowhere.machine.yaml" in run.err


def test_a_file_that_is_not_text_is_an_error_and_no_traceback(pawl: Pawl) -> None:
    Path("m.machine.yaml").write_bytes(b"machine: \xff\xfe")
    run = pawl("check", "m.machine.yaml")
    assert run.code == 1
    assert run.err.startswith("error[not_utf8]: m.machine.yaml is not UTF-8 text")


def test_compile_prints_the_sql_and_writes_it_into_a_file_or_a_folder(pawl: Pawl) -> None:
    pawl("new", "parcel")
    printed = pawl("compile", "parcel.machine.yaml").out
    assert "pawl_parcel" in printed
    assert pawl("compile", "parcel.machine.yaml", "-o", "out.sql").out == "wrote out.sql\n"
    assert Path("out.sql").read_text() == printed
    Path("sql").mkdir()
    pawl("compile", "parcel.machine.yaml", "-o", "sql")
    assert Path("sql/parcel.sql").read_text() == printed


def test_compile_gives_the_same_sql_wherever_the_definition_lies(pawl: Pawl) -> None:
    pawl("new", "parcel")
    Path("deep").mkdir()
    Path("deep/parcel.machine.yaml").write_text(Path("parcel.machine.yaml").read_text())
    here = pawl("compile", "parcel.machine.yaml").out
    assert pawl("compile", "deep/parcel.machine.yaml").out == here


@pytest.mark.parametrize("stage", ["syntax", "model", "target"])
def test_compile_dumps_its_stages_as_json(pawl: Pawl, stage: str) -> None:
    pawl("new", "parcel")
    dumped = json.loads(pawl("compile", "parcel.machine.yaml", "--dump", stage).out)
    assert dumped["is"] in ("Machine", "Unit")
    assert "offered" in json.dumps(dumped)


def test_a_definition_with_errors_compiles_to_nothing(pawl: Pawl) -> None:
    Path("lamp.machine.yaml").write_text(BROKEN)
    run = pawl("compile", "lamp.machine.yaml", "-o", "lamp.sql")
    assert run.code == 1
    assert "PW204" in run.err
    assert not Path("lamp.sql").exists()
    as_json = pawl("compile", "--json", "lamp.machine.yaml")
    assert as_json.error["diagnostics"][0]["code"] == "PW204"


def test_diagram_is_mermaid_unless_told_or_the_file_says(pawl: Pawl) -> None:
    pawl("new", "parcel")
    assert pawl("diagram", "parcel.machine.yaml").out.startswith("stateDiagram-v2\n")
    dot = pawl("diagram", "parcel.machine.yaml", "--format", "dot").out
    assert dot.startswith('digraph "parcel" {')
    pawl("diagram", "parcel.machine.yaml", "-o", "parcel.dot")
    assert Path("parcel.dot").read_text() == dot
    as_json = pawl("diagram", "--json", "parcel.machine.yaml").json
    assert as_json["format"] == "mermaid"


def test_diagram_without_graphviz_says_what_to_install(
    pawl: Pawl, monkeypatch: pytest.MonkeyPatch
) -> None:
    pawl("new", "parcel")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sysconfig.get_path", lambda _: "/nowhere")
    run = pawl("diagram", "parcel.machine.yaml", "--format", "svg")
    assert run.code == 1
    assert run.err.startswith("error[no_graphviz]: ")
    assert "pip install 'pawl[draw]'" in run.err


def test_explain_prints_the_page_of_a_code_in_either_case(pawl: Pawl) -> None:
    page = pawl("explain", "PW204").out
    assert "PW204" in page
    assert pawl("explain", "pw204").out == page
    assert pawl("explain", "PW999").code == 2
