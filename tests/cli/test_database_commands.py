"""The commands that talk to a database, each as a person or a script would call it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import Pawl


@pytest.fixture
def parcel(online: Pawl) -> Pawl:
    """A database with the machine that `pawl new` writes, and the instance n-1."""
    online("new", "parcel")
    assert online("deploy", "parcel.machine.yaml").code == 0
    assert online("create", "parcel", "n-1", "customer_id=ann", "total=24.50").code == 0
    return online


def test_deploy_says_what_it_did_and_keeps_the_source(online: Pawl) -> None:
    online("new", "parcel")
    first = online("deploy", "--json", "parcel.machine.yaml").json
    assert [(d["machine"], d["version"], d["outcome"]) for d in first] == [("parcel", 1, "created")]
    source = Path("parcel.machine.yaml").read_bytes()
    assert Path("versions/parcel.1.machine.yaml").read_bytes() == source
    assert online("deploy", "--json", "parcel.machine.yaml").json[0]["outcome"] == "unchanged"


def test_an_edited_version_is_refused_with_what_to_do(parcel: Pawl) -> None:
    file = Path("parcel.machine.yaml")
    file.write_text(file.read_text().replace("< 1000", "< 500"))
    run = parcel("deploy", str(file))
    assert run.code == 1
    assert run.err.startswith("error[version_exists]: ")
    assert "= hint: a version never changes: write `version: 2`" in run.err
    assert parcel("versions", "--json", "parcel").json[0]["version"] == 1


def test_a_dry_run_shows_the_difference_and_changes_nothing(parcel: Pawl) -> None:
    file = Path("parcel.machine.yaml")
    text = file.read_text().replace("< 1000", "< 500").replace("version: 1 ", "version: 2 ")
    file.write_text(text.replace("  minutes: int\n", "  minutes: int\n  note: text\n"))
    run = parcel("deploy", "--dry-run", str(file))
    assert run.code == 0
    lines = run.out.splitlines()
    assert "--- parcel version 1" in lines
    assert "+++ parcel version 2" in lines
    assert any(line.startswith("-") and "1000" in line for line in lines)
    assert any(line.startswith("+") and "500" in line for line in lines)
    assert any(line.startswith("+") and "note" in line for line in lines)
    assert [v["version"] for v in parcel("versions", "--json", "parcel").json] == [1]
    assert not Path("versions/parcel.2.machine.yaml").exists()


def test_a_folder_is_deployed_version_by_version(online: Pawl) -> None:
    online("new", "parcel")
    first = Path("parcel.machine.yaml")
    text = first.read_text().replace("version: 1 ", "version: 2 ")
    later = f"{text}migrate: {{ 1: {{}} }}\n"
    Path("a.machine.yaml").write_text(later)  # sorted by version, not by name
    done = online("deploy", ".", "--json").json
    assert [(d["version"], d["outcome"]) for d in done] == [(1, "created"), (2, "updated")]
    assert {file.name for file in Path("versions").iterdir()} == {
        "parcel.1.machine.yaml",
        "parcel.2.machine.yaml",
    }
    again = online("deploy", ".", "--json").json
    assert [d["outcome"] for d in again] == ["unchanged", "unchanged"]


def test_a_folder_without_a_definition_is_a_mistake_of_the_command_line(online: Pawl) -> None:
    Path("empty").mkdir()
    run = online("deploy", "empty")
    assert run.code == 2
    assert "no definition (*.machine.yaml) lies in empty" in run.err


def test_what_only_postgres_knows_is_reported_at_its_line(online: Pawl) -> None:
    online("new", "parcel")
    file = Path("parcel.machine.yaml")
    file.write_text(
        file.read_text().replace("context.total < 1000", "context.total < interval '1'")
    )
    run = online("deploy", str(file))
    assert run.code == 1
    line = file.read_text()[: file.read_text().index("interval '1'")].count("\n") + 1
    assert f"--> parcel.machine.yaml:{line}:" in run.err
    assert online("list", "parcel").code == 1


def test_an_instance_from_create_to_done(parcel: Pawl) -> None:
    sent = parcel("send", "parcel", "n-1", "accept", "minutes=20")
    assert sent.code == 0
    assert "preparing" in sent.out
    shown = parcel("show", "parcel", "n-1").out
    assert "context.total        24.50" in shown
    assert shown.endswith("can take: finish\n")
    done = parcel("send", "--json", "parcel", "n-1", '{"type": "finish"}').json
    assert (done["state"], done["status"], done["handled"]) == (["finished"], "done", True)
    assert done["context"]["total"] == 24.5
    events = [entry["event"]["type"] for entry in parcel("history", "--json", "parcel", "n-1").json]
    assert events[1:] == ["accept", "finish"]


def test_history_is_a_table_with_a_line_for_each_step(parcel: Pawl) -> None:
    parcel("send", "parcel", "n-1", "accept", "minutes=20")
    lines = parcel("history", "parcel", "n-1").out.splitlines()
    assert lines[0].split() == ["seq", "at", "event", "payload", "state", "caller", "log"]
    assert len(lines) == 3
    assert "accept" in lines[2]
    assert '{"minutes": 20}' in lines[2]
    assert "preparing" in lines[2]


def test_simulate_writes_nothing(parcel: Pawl) -> None:
    assert "preparing" in parcel("simulate", "parcel", "n-1", "accept", "minutes=20").out
    assert parcel("show", "--json", "parcel", "n-1").json["state"] == ["offered"]


def test_list_filters_by_state_and_status(parcel: Pawl) -> None:
    parcel("create", "parcel", "n-2", "--input", '{"customer_id": "bob", "total": 1}')
    parcel("send", "parcel", "n-2", "reject", "reason=no nuts")

    def ids(*options: str) -> list[str]:
        return [row["id"] for row in parcel("list", "--json", "parcel", *options).json]

    assert sorted(ids()) == ["n-1", "n-2"]
    assert ids("--state", "offered") == ["n-1"]
    assert ids("--status", "done") == ["n-2"]
    assert len(ids("--limit", "1")) == 1
    assert ids("--state", "nowhere") == []


def test_the_same_event_id_changes_nothing_and_a_stale_seq_is_refused(parcel: Pawl) -> None:
    accept = ("send", "parcel", "n-1", "accept", "minutes=20", "--json")
    first = parcel(*accept, "--event-id", "k").json
    assert parcel(*accept, "--event-id", "k").json == first
    stale = parcel("send", "parcel", "n-1", "finish", "--expected-seq", "0", "--json")
    assert (stale.code, stale.out, stale.error["code"]) == (1, "", "seq_mismatch")


def test_acting_as_a_client_meets_the_authorizers(parcel: Pawl, client_role: str) -> None:
    assert parcel("init", "--client-role", client_role).code == 0
    accept = ("send", "parcel", "n-1", "accept", "minutes=20", "--role", client_role, "--claims")
    for sub, told in (
        ("ann", 'error[denied]: you may not send "accept"'),
        ("eve", 'error[not_found]: parcel "n-1" does not exist'),
    ):
        refused = parcel(*accept, f'{{"sub": "{sub}"}}')
        assert (refused.code, refused.err.startswith(told)) == (1, True), refused.err
    assert parcel(*accept, '{"sub": "max", "kind": "shop"}').code == 0
    assert parcel(*accept[:-1]).code == 2


def test_a_number_for_a_field_of_text_is_told_how_text_is_written(parcel: Pawl) -> None:
    run = parcel("create", "parcel", "n-7", "customer_id=42", "total=1")
    assert run.err.startswith("error[malformed_payload]: ")
    assert """customer_id=42 is JSON; as text it is written 'customer_id="42"'""" in run.err
    assert parcel("create", "parcel", "n-7", 'customer_id="42"', "total=1").code == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("show", "parcel", "n-9"), "not_found"),
        (("show", "parcle", "n-1"), "unknown_machine"),
        (("list", "parcle"), "unknown_machine"),
        (("versions", "parcle"), "unknown_machine"),
        (("create", "parcel", "n-1", "customer_id=ann", "total=1"), "already_exists"),
        (("create", "parcel", "n-2", "customer_id=ann", "total=-1"), "check_violated"),
        (("create", "parcel", "n-2", "customer_id=ann", "total=x"), "malformed_payload"),
        (("send", "parcel", "n-1", "finish"), "not_accepted"),
        (("send", "parcel", "n-1", "acept"), "unknown_event"),
        (("send", "parcel", "n-1", "accept", "minutes=soon"), "malformed_payload"),
    ],
)
def test_a_refusal_is_one_message_with_its_code_on_stderr(
    parcel: Pawl, arguments: tuple[str, ...], code: str
) -> None:
    run = parcel(*arguments)
    assert (run.code, run.out) == (1, "")
    assert run.err.startswith(f"error[{code}]: ")
    assert "Traceback" not in run.err
    as_json = parcel(*arguments, "--json")
    assert (as_json.code, as_json.out, as_json.error["code"]) == (1, "", code)


@pytest.mark.parametrize(
    "arguments",
    [
        ("send", "parcel", "n-1", "{oops"),
        ("send", "parcel", "n-1", "accept", "minutes"),
        ("create", "parcel", "n-2", "--input", "[1]"),
        ("create", "parcel", "n-2", "--input", "{"),
        ("send", "parcel", "n-1", "accept", "--claims", "nonsense"),
        ("list", "parcel", "--status", "asleep"),
        ("list", "parcel", "--limit", "0"),
        ("frobnicate",),
    ],
)
def test_a_wrong_command_line_exits_with_2(parcel: Pawl, arguments: tuple[str, ...]) -> None:
    run = parcel(*arguments)
    assert (run.code, run.out) == (2, "")
    assert "Traceback" not in run.err


def test_timers_fire_those_that_are_due(parcel: Pawl, connection: psycopg.Connection) -> None:
    assert parcel("timers", "fire", "--json").json == [{"fired": 0}]
    connection.execute("select pawl.advance_clock('5 minutes')")
    assert parcel("timers", "fire", "--json").json == [{"fired": 1}]
    shown = parcel("show", "--json", "parcel", "n-1").json
    assert (shown["state"], shown["context"]["reason"]) == (["rejected"], "no answer")


def test_init_keeps_what_it_is_not_told(online: Pawl, client_role: str) -> None:
    first = online("init", "--client-role", client_role, "--json").json
    assert first == [{"api_schema": "public", "client_roles": [client_role], "authenticators": []}]
    assert online("init", "--json").json == first
    other = online("init", "--api-schema", "elsewhere")
    assert other.code == 1
    assert other.err.startswith("error[install_refused]: ")
    assert online("init", "--client-role", "nobody_knows").err.startswith("error[bad_role]: ")
