"""What an operator does at 3 a.m.: looking, and taking things into his own hands."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import Pawl

PARCEL = """\
machine: parcel
version: 1
events:
  ship: {}
effects:
  book: { retry: { attempts: 2 } }
initial: waiting
states:
  waiting:
    on:
      ship: shipping
    after:
      "7 days": late
  shipping:
    invoke:
      id: booking
      src: book
      onDone: shipped
      onError: late
  shipped: { type: final }
  late: {}
"""


@pytest.fixture
def parcel(online: Pawl) -> Pawl:
    """A database with the machine above and its instance p-1, which waits a week."""
    Path("parcel.machine.yaml").write_text(PARCEL)
    run = online("deploy", "parcel.machine.yaml")
    assert run.code == 0, run.err
    assert online("create", "parcel", "p-1").code == 0
    return online


@pytest.fixture
def shipping(parcel: Pawl) -> Pawl:
    """p-1 waits for its effect `book`, which nobody performs."""
    assert parcel("send", "parcel", "p-1", "ship").code == 0
    return parcel


def the_effect(pawl: Pawl) -> int:
    (effect,) = pawl("effects", "list", "--json").json
    return int(effect["effect_id"])


def acts(connection: psycopg.Connection) -> list[str]:
    """The types of what operators did, as the journal has them."""
    rows = connection.execute(
        "select event ->> 'type' from pawl.journal"
        " where event ->> 'type' like 'pawl.%' and event ->> 'type' <> 'pawl.init' order by at"
    )
    return [kind for (kind,) in rows]


def test_an_effect_without_a_handler_is_listed_as_such(shipping: Pawl) -> None:
    (effect,) = shipping("effects", "list", "--json").json
    assert (effect["effect"], effect["state"], effect["id"]) == ("book", "no handler", "p-1")
    assert shipping("effects", "list", "--json", "--state", "running").json == []
    shown = shipping("effects", "show", "--json", str(effect["effect_id"])).json
    assert (shown["invoke_id"], shown["output"], shown["ended_at"]) == ("booking", None, None)


def test_an_effect_completed_by_hand_moves_its_instance_and_is_journalled(
    shipping: Pawl, connection: psycopg.Connection
) -> None:
    run = shipping("effects", "complete", str(the_effect(shipping)), "--output", "{}", "--json")
    assert run.json[0]["outcome"] == "applied"
    assert shipping("show", "parcel", "p-1", "--json").json["state"] == ["shipped"]
    assert shipping("effects", "list", "--json").json == []
    assert [e["state"] for e in shipping("effects", "list", "--all", "--json").json] == ["done"]
    assert "pawl.complete_by_hand" in acts(connection)


def test_a_cancelled_effect_tells_its_instance_why(
    shipping: Pawl, connection: psycopg.Connection
) -> None:
    number = str(the_effect(shipping))
    assert shipping("effects", "cancel", number, "--reason", "carrier on strike").code == 0
    assert shipping("show", "parcel", "p-1", "--json").json["state"] == ["late"]
    shown = shipping("effects", "show", number, "--json").json
    assert shown["error"]["message"] == "carrier on strike"
    assert "pawl.cancel_effect" in acts(connection)
    again = shipping("effects", "cancel", number, "--json")
    assert (again.code, again.error["code"]) == (1, "effect_ended")


def test_an_unknown_effect_is_an_error_and_a_malformed_output_a_usage_error(
    shipping: Pawl,
) -> None:
    run = shipping("effects", "show", "999", "--json")
    assert (run.code, run.error["code"]) == (1, "unknown_effect")
    run = shipping("effects", "complete", str(the_effect(shipping)), "--output", "{")
    assert run.code == 2
    assert len(shipping("effects", "list", "--json").json) == 1


def test_an_effect_that_backs_off_is_retried_at_once(
    shipping: Pawl, connection: psycopg.Connection
) -> None:
    number = the_effect(shipping)
    connection.execute(
        "select pawl.fail_effect(effect_id, token, '{\"message\": \"busy\"}', true, '1 hour') "
        "from pawl.claim_effects('w')"
    )
    (effect,) = shipping("effects", "list", "--json").json
    assert (effect["state"], effect["reason"]) == ("backing off", "busy")
    assert shipping("effects", "retry", str(number)).code == 0
    (effect,) = shipping("effects", "list", "--json").json
    assert effect["state"] == "no handler"
    assert "pawl.retry_effect" in acts(connection)


def test_a_dead_letter_is_listed_and_tried_again(
    shipping: Pawl, connection: psycopg.Connection
) -> None:
    connection.execute(
        'select pawl.fail_effect(effect_id, token, \'{"message": "no"}\', false) '
        "from pawl.claim_effects('w')"
    )
    (letter,) = shipping("dead", "list", "--json").json
    assert (letter["kind"], letter["name"], letter["id"]) == ("effect", "book", "p-1")
    assert shipping("dead", "list", "--kind", "timer", "--json").json == []
    assert shipping("dead", "retry", str(letter["dead_id"])).code == 0
    assert shipping("dead", "list", "--json").json == []
    run = shipping("dead", "retry", str(letter["dead_id"]), "--json")
    assert (run.code, run.error["code"]) == (1, "unknown_dead_letter")
    assert "pawl.retry_dead" in acts(connection)


def test_timers_are_listed_with_their_instance_and_fired_when_due(
    parcel: Pawl, connection: psycopg.Connection
) -> None:
    (timer,) = parcel("timers", "list", "--json").json
    assert (timer["machine"], timer["id"]) == ("parcel", "p-1")
    assert (timer["live"], timer["due"]) == (True, False)
    assert parcel("timers", "list", "--due", "--json").json == []
    connection.execute("update pawl.timer set due_at = pawl.now()")
    assert parcel("timers", "fire", "--json").json == [{"fired": 1}]
    assert parcel("show", "parcel", "p-1", "--json").json["state"] == ["late"]


def test_a_timer_whose_state_was_left_is_listed_as_no_longer_live(parcel: Pawl) -> None:
    parcel("send", "parcel", "p-1", "ship")
    (timer,) = parcel("timers", "list", "--json").json
    assert not timer["live"]


def test_an_instance_is_paused_resumed_stopped_and_erased(
    parcel: Pawl, connection: psycopg.Connection
) -> None:
    assert parcel("pause", "parcel", "p-1", "--json").json[0]["status"] == "paused"
    refused = parcel("send", "parcel", "p-1", "ship", "--json")
    assert refused.error["code"] == "not_running"
    assert parcel("resume", "parcel", "p-1", "--json").json[0]["status"] == "running"
    assert parcel("stop", "parcel", "p-1", "--json").json[0]["status"] == "stopped"
    assert acts(connection) == ["pawl.pause", "pawl.resume", "pawl.stop"]
    assert parcel("erase", "parcel", "p-1", "--yes", "--json").json[0]["outcome"] == "erased"
    assert acts(connection) == ["pawl.erase"]
    assert parcel("show", "parcel", "p-1").code == 1


NOTES = """\
machine: note
version: 1
events: { write: {}, read: {} }
authorize: { send: { read: "true" } }
initial: open
states:
  open:
    on:
      write:
        actions:
          - send: { event: read, to: { machine: note, id: $$reader$$ }, id: copy }
          - send: { event: read, to: { machine: note, id: $$reader$$ } }
      read: {}
      error.send.copy: {}
"""


@pytest.fixture
def notes(online: Pawl) -> Pawl:
    """Two messages of `writer` to `reader`, who is paused."""
    Path("note.machine.yaml").write_text(NOTES)
    assert online("deploy", "note.machine.yaml").code == 0
    for id in ("writer", "reader"):
        assert online("create", "note", id).code == 0
    assert online("pause", "note", "reader").code == 0
    assert online("send", "note", "writer", "write").code == 0
    return online


def test_messages_are_listed_with_what_they_wait_for_and_shown(
    notes: Pawl, connection: psycopg.Connection
) -> None:
    first, second = notes("messages", "list", "--json").json
    assert (first["from"], first["to"], first["event"]) == ("note writer", "note reader", "read")
    assert (first["state"], second["state"]) == ("ready", f"behind {first['message_id']}")
    connection.execute("select pawl.deliver_messages()")
    first, second = notes("messages", "list", "--json", "--id", "reader").json
    assert first["state"] == "backing off"
    assert first["next_at"] is not None
    assert notes("messages", "list", "--json", "--machine", "other").json == []
    assert notes("messages", "list", "--json", "--from", "other").json == []
    shown = notes("messages", "show", str(first["message_id"]), "--json").json
    assert (shown["payload"], shown["send_id"]) == ({"type": "read"}, "copy")
    assert "payload" in notes("messages", "show", str(first["message_id"])).out


def test_a_message_is_delivered_now_when_an_operator_says_so(
    notes: Pawl, connection: psycopg.Connection
) -> None:
    connection.execute("select pawl.deliver_messages()")
    assert notes("resume", "note", "reader").code == 0
    first, _ = notes("messages", "list", "--json").json
    assert notes("messages", "retry", str(first["message_id"])).code == 0
    connection.execute("select pawl.deliver_messages()")
    assert notes("messages", "list", "--json").json == []
    assert "pawl.retry_message" in acts(connection)
    for command in ("retry", "show"):
        run = notes("messages", command, str(first["message_id"]), "--json")
        assert (run.code, run.error["code"]) == (1, "unknown_message")


def test_the_doctor_finds_nothing_in_a_fresh_database(parcel: Pawl) -> None:
    run = parcel("doctor")
    assert (run.code, run.out) == (0, "all is well\n")
    assert parcel("doctor", "--json").json == []


def test_the_doctor_finds_what_is_stuck_and_says_what_to_do(
    shipping: Pawl, connection: psycopg.Connection
) -> None:
    assert shipping("create", "parcel", "p-2").code == 0
    connection.execute("update pawl.outbox set created_at = created_at - interval '1 hour'")
    connection.execute("update pawl.timer set due_at = due_at - interval '8 days'")
    run = shipping("doctor", "--json")
    assert run.code == 1
    found = {finding["check"]: finding for finding in run.json}
    assert found.keys() == {"effects", "timers"}
    assert 'effect "book" of "parcel": no handler' in found["effects"]["message"]
    assert "start a worker" in found["effects"]["advice"]
    assert "error[timers]: " in shipping("doctor").out


def test_the_doctor_finds_an_old_lease_a_dead_letter_and_a_moved_clock(
    shipping: Pawl, connection: psycopg.Connection
) -> None:
    connection.execute("select pawl.claim_effects('w')")
    connection.execute("update pawl.lease set until = until - interval '1 hour'")
    connection.execute(
        "insert into pawl.dead_letter (kind, machine, iid, seq, name, attempts, error)"
        " values ('timer', 'parcel', 1, 1, 'late', 10, '{}')"
    )
    connection.execute("select pawl.set_clock(now() + interval '1 second')")
    checks = {finding["check"] for finding in shipping("doctor", "--json").json}
    assert checks == {"leases", "dead letters", "clock"}


def test_the_doctor_finds_a_client_role_that_can_log_in(
    parcel: Pawl, connection: psycopg.Connection, client_role: str
) -> None:
    assert parcel("init", "--client-role", client_role).code == 0
    assert parcel("doctor", "--json").json == []
    connection.execute(f"alter role {client_role} login".encode())
    (finding,) = parcel("doctor", "--json").json
    assert (finding["check"], finding["severity"]) == ("client roles", "error")
    assert client_role in finding["advice"]


def test_the_doctor_finds_a_client_role_without_limits(
    parcel: Pawl, connection: psycopg.Connection, client_role: str
) -> None:
    assert parcel("init", "--client-role", client_role).code == 0
    connection.execute(f"alter role {client_role} reset lock_timeout".encode())
    (finding,) = parcel("doctor", "--json").json
    assert (finding["check"], finding["severity"]) == ("client roles", "warning")
    assert finding["advice"] == f"alter role {client_role} set lock_timeout = '4s'"


def test_the_doctor_finds_a_machine_that_nobody_can_follow(parcel: Pawl) -> None:
    text = Path("parcel.machine.yaml").read_text("utf-8")
    text = text.replace("version: 1\n", "version: 2\nrealtime: true\n")
    Path("parcel.machine.yaml").write_text(text, "utf-8")
    assert parcel("deploy", "parcel.machine.yaml").code == 0
    (finding,) = parcel("doctor", "--json").json
    assert finding["check"] == "realtime"
    assert "pawl_parcel may be followed, but wal_level is replica" in finding["message"]


def test_the_doctor_finds_an_old_runtime(parcel: Pawl, connection: psycopg.Connection) -> None:
    connection.execute("delete from pawl.schema_version")
    (finding,) = parcel("doctor", "--json").json
    assert (finding["check"], finding["advice"]) == ("runtime", "run `pawl init`")
