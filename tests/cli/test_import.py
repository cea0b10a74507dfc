"""A machine in XState's JSON on its way into the database."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Pawl

MACHINE = {
    "id": "parcel",
    "initial": "New parcel",
    "context": {"tries": 0},
    "states": {
        "New parcel": {
            "entry": ["greet", {"type": "note", "params": {"what": "began"}}],
            "invoke": {"src": "fetch label", "onDone": "labelled"},
            "on": {"LABEL": {"target": "labelled", "guard": "may label"}},
            "after": {"patience": "labelled"},
        },
        "labelled": {"type": "final"},
    },
}
COMPANION = """\
guards: { may label: context.tries = 0 and event.data->>'by' = 'me' }
actions:
  greet: []
  note: { params: [what], actions: [{ log: params.what }, { assign: { tries: 0 } }] }
delays: { patience: interval '1 hour' }
effects: { fetch label: {} }
"""


def put(**files: str) -> Path:
    for name, text in files.items():
        Path(name.replace("_", ".")).write_text(text, encoding="utf-8")
    return Path("parcel.json")


def test_an_import_writes_a_companion_with_a_place_for_each_name(pawl: Pawl) -> None:
    put(parcel_json=json.dumps(MACHINE))
    told = pawl("import", "--json", "parcel.json").json
    assert told == {
        "machine": "parcel",
        "missing": {
            "guards": ["may label"],
            "actions": ["greet", "note"],
            "delays": ["patience"],
            "effects": ["fetch label"],
        },
        "companion": "parcel.impl.yaml",
    }
    assert pawl("check", "parcel.json").code == 0
    assert pawl("import", "--json", "parcel.json").json["missing"] == {}


def test_an_import_never_overwrites_a_companion(pawl: Pawl) -> None:
    put(parcel_json=json.dumps(MACHINE), parcel_impl_yaml="guards: { may label: true }\n")
    told = pawl("import", "--json", "parcel.json").json
    assert told["missing"]["actions"] == ["greet", "note"]
    assert told["companion"] is None
    assert Path("parcel.impl.yaml").read_text() == "guards: { may label: true }\n"


def test_what_nothing_implements_is_one_error_of_check(pawl: Pawl) -> None:
    put(parcel_json=json.dumps(MACHINE))
    run = pawl("check", "--json", "parcel.json")
    assert run.code == 1
    assert [found["code"] for found in run.json] == ["PW327"]


def test_an_imported_machine_runs(online: Pawl) -> None:
    put(parcel_json=json.dumps(MACHINE), parcel_impl_yaml=COMPANION)
    assert online("deploy", "parcel.json").code == 0
    kept = {file.name: file.read_text() for file in Path("versions").iterdir()}
    assert kept == {"parcel.1.json": json.dumps(MACHINE), "parcel.1.impl.yaml": COMPANION}
    assert online("create", "--json", "parcel", "p-1").json["state_value"] == "New parcel"
    assert online("send", "--json", "parcel", "p-1", "LABEL", "by=you").json["handled"] is False
    assert online("send", "--json", "parcel", "p-1", "LABEL", "by=me").json["status"] == "done"


def test_a_changed_companion_is_another_version(online: Pawl) -> None:
    file = put(parcel_json=json.dumps(MACHINE), parcel_impl_yaml=COMPANION)
    online("deploy", str(file))
    Path("parcel.impl.yaml").write_text(COMPANION.replace("= 'me'", "= 'you'"))
    assert "error[version_exists]: " in online("deploy", str(file)).err
    changed = COMPANION.replace("= 'me'", "= 'you'") + "version: 2\n"
    Path("parcel.impl.yaml").write_text(changed)
    assert online("deploy", "--json", str(file)).json[0]["version"] == 2


def test_only_json_is_imported(pawl: Pawl) -> None:
    Path("parcel.machine.yaml").write_text("machine: parcel\n")
    run = pawl("import", "parcel.machine.yaml")
    assert run.code == 2
    assert "is not JSON" in run.err
