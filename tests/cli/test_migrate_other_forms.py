"""Migrations of machines in XState's JSON and in SCXML: `migrate` stands in the companion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg

from tests.cli.conftest import Pawl

SWITCH: dict[str, Any] = {
    "id": "switch",
    "initial": "off",
    "context": {"presses": 0},
    "states": {
        "off": {"on": {"press": {"target": "on"}}},
        "on": {"on": {"press": {"target": "off"}}},
    },
}
LAMP: dict[str, Any] = {
    **SWITCH,
    "initial": "dark",
    "context": {"level": 0},
    "states": {
        "dark": {"on": {"press": {"target": "bright"}}},
        "bright": {"on": {"press": {"target": "dark"}}},
        "too.bright": {"on": {"press": {"target": "dark"}}},
    },
}
COMPANION = """\
version: 2
migrate:
  1:
    states: { off: dark, on: bright }
    context: { level: old.presses + 10 }
"""
PARCEL = """\
<scxml xmlns="http://www.w3.org/2005/07/scxml" xmlns:pawl="https://pawl.dev/scxml"
       version="1.0" name="parcel" pawl:version="1" initial="packing">
  <datamodel><data id="weight" expr="0"/><data id="seen">[1]</data></datamodel>
  <state id="packing">
    <transition event="close" target="closed"/>
    <transition event="late" target="packing"/>
  </state>
  <state id="closed">
    <onentry><send event="late" id="reminder" delay="2h"/></onentry>
    <transition event="late" target="packing"/>
  </state>
</scxml>
"""
SHIPPED = (
    PARCEL.replace('pawl:version="1"', 'pawl:version="2"')
    .replace('<data id="weight" expr="0"/>', '<data id="grams" expr="0"/>')
    .replace('id="closed"', 'id="sealed"')
    .replace('target="closed"', 'target="sealed"')
)
BESIDE = """\
migrate:
  1:
    states: { closed: sealed }
    context: { grams: old.weight * 1000 }
    back:
      states: { sealed: closed }
      context: { weight: old.grams / 1000 }
"""


def rows(connection: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query.encode()).fetchall()


def test_a_machine_in_json_migrates_by_its_companion(
    online: Pawl, connection: psycopg.Connection
) -> None:
    file = Path("switch.json")
    file.write_text(json.dumps(SWITCH))
    assert online("deploy", "switch.json").code == 0
    assert online("create", "switch", "s").code == 0
    assert online("send", "switch", "s", "press").code == 0
    file.write_text(json.dumps(LAMP))
    Path("switch.impl.yaml").write_text(COMPANION)
    assert online("deploy", "switch.json").code == 0
    assert online("migrate", "switch", "--to", "2").code == 0
    found = rows(connection, "select version, state, level from pawl_switch.instance")
    assert found == [(2, ["bright"], 10)]


def test_what_the_companion_of_json_forgets_is_reported_there(online: Pawl) -> None:
    file = Path("switch.json")
    file.write_text(json.dumps(SWITCH))
    assert online("deploy", "switch.json").code == 0
    file.write_text(json.dumps(LAMP))
    Path("switch.impl.yaml").write_text(COMPANION.replace(", on: bright", ""))
    run = online("check", "switch.json")
    assert run.code == 1
    assert "error[PW461]: from version 1, `on` has no state to go to" in run.err
    assert "--> switch.impl.yaml:3:3" in run.err


def test_a_document_of_scxml_migrates_by_its_companion(
    online: Pawl, connection: psycopg.Connection
) -> None:
    file = Path("parcel.scxml")
    file.write_text(PARCEL)
    assert online("deploy", "parcel.scxml").code == 0
    assert online("create", "parcel", "p", "weight=3").code == 0
    assert online("send", "parcel", "p", "close").code == 0
    file.write_text(SHIPPED)
    Path("parcel.impl.yaml").write_text(BESIDE)
    assert online("deploy", "parcel.scxml").code == 0
    planned = online("migrate", "parcel", "--to", "2", "--plan", "--json").json["states"]
    assert [(row["before"], row["after"]) for row in planned] == [
        (["packing"], ["packing"]),
        (["closed"], ["sealed"]),
    ]
    assert online("migrate", "parcel", "--to", "2").code == 0
    found = rows(connection, "select version, state, grams, seen from pawl_parcel.instance")
    assert found == [(2, ["sealed"], 3000, [1])]
    assert online("migrate", "parcel", "--to", "1", "--back").code == 0
    found = rows(connection, "select version, state, weight, seen from pawl_parcel.instance")
    assert found == [(1, ["closed"], 3, [1])]
    assert online("migrate", "parcel", "--to", "2").code == 0
    connection.execute("select pawl.advance_clock('3 hours')")
    connection.execute("select pawl.fire_due_timers()")
    assert rows(connection, "select state from pawl_parcel.instance") == [(["packing"],)]


def test_a_version_may_be_in_another_form_than_the_one_before(
    online: Pawl, connection: psycopg.Connection
) -> None:
    Path("parcel.scxml").write_text(PARCEL)
    assert online("deploy", "parcel.scxml").code == 0
    assert online("create", "parcel", "p", "weight=3").code == 0
    Path("parcel.machine.yaml").write_text(
        "machine: parcel\nversion: 2\nauthorize: {}\ncontext: { weight: numeric, seen: jsonb }\n"
        "events: { late: {} }\nmigrate: { 1: { states: { closed: packing } } }\n"
        "initial: packing\nstates: { packing: { on: { late: {} } } }\n"
    )
    assert online("deploy", "parcel.machine.yaml").code == 0
    assert online("migrate", "parcel", "--to", "2").code == 0
    assert rows(connection, "select version, weight from pawl_parcel.instance") == [(2, 3)]


def test_an_expression_of_a_migration_must_be_right_in_scxml_too(online: Pawl) -> None:
    file = Path("parcel.scxml")
    file.write_text(PARCEL)
    assert online("deploy", "parcel.scxml").code == 0
    file.write_text(SHIPPED)
    Path("parcel.impl.yaml").write_text(BESIDE.replace("old.weight * 1000", "old.wait"))
    run = online("deploy", "parcel.scxml")
    assert run.code == 1
    assert "parcel.impl.yaml:4:23" in run.err
    Path("parcel.impl.yaml").write_text(BESIDE.replace("old.weight", "unheard_of(old.weight)"))
    run = online("deploy", "parcel.scxml")
    assert run.code == 1
    assert "parcel.impl.yaml:4:" in run.err


def test_the_companion_of_scxml_holds_nothing_else(online: Pawl) -> None:
    Path("parcel.scxml").write_text(PARCEL)
    Path("parcel.impl.yaml").write_text("guards: { heavy: weight > 1 }\n")
    run = online("check", "parcel.scxml")
    assert run.code == 1
    assert "only `migrate` stands here" in run.err
