"""The API: send, batches, operators; on a machine written by hand, whose semantics matter not."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import psycopg
import pytest

from pawl.errors import (
    AlreadyExists,
    BadRequest,
    Denied,
    EventIdReused,
    NotAccepted,
    NotFound,
    NotRunning,
    PawlError,
    Refused,
    SeqMismatch,
)
from tests.database.calls import Call, call_on, refuses


@pytest.fixture
def d(door: Call) -> Call:
    door("select create_instance('door', 'd')")
    return door


def send(call: Call, event: str, id: str = "d", **more: object) -> dict[str, object]:
    return call(
        "select send_event('door', %s, %s, %s, %s)",
        id,
        json.dumps({"type": event}),
        more.get("event_id"),
        more.get("expected_seq"),
    )


@pytest.mark.smoke
def test_create_send_read(d: Call) -> None:
    assert send(d, "open")["state"] == ["open"]
    reply = d("select get_instance('door', 'd')")
    assert (reply["state_value"], reply["seq"], reply["status"]) == ("open", 2, "running")
    assert d("select enabled_events('door', 'd')") == ["close"]
    assert d("""select simulate_event('door', 'd', '{"type": "close"}')""")["simulated"]


def test_ensure_gets_what_exists_and_creates_what_does_not(d: Call) -> None:
    send(d, "open")
    assert d("select ensure_instance('door', 'd')")["state"] == ["open"]
    assert d("select ensure_instance('door', 'e')")["state"] == ["closed"]


def test_an_event_id_repeats_its_reply(d: Call) -> None:
    first = send(d, "open", event_id="k1")
    send(d, "close")
    assert send(d, "open", event_id="k1") == first
    with refuses("event_id_reused", EventIdReused):
        send(d, "close", event_id="k1")


def test_expected_seq_guards_against_an_outdated_view(d: Call) -> None:
    send(d, "open", expected_seq=1)
    with refuses("seq_mismatch", SeqMismatch) as caught:
        send(d, "close", expected_seq=1)
    assert (caught.value.detail["expected_seq"], caught.value.detail["seq"]) == (1, 2)


def test_history_is_the_journal(d: Call, connection: psycopg.Connection) -> None:
    send(d, "open")
    rows = connection.execute(
        "select seq, version, event ->> 'type', state, caller, sub, trusted, log"
        " from history('door', 'd')"
    ).fetchall()
    assert rows == [
        (1, 1, "init", ["closed"], "postgres", None, True, None),
        (2, 1, "open", ["open"], "postgres", None, True, None),
    ]


# --- batches -----------------------------------------------------------------------------------


def batch(*items: object) -> str:
    return json.dumps(items)


def item(id: str, event: str, **more: object) -> dict[str, object]:
    return {"machine": "door", "id": id, "event": {"type": event}, **more}


def test_a_batch_is_applied_in_its_order(d: Call) -> None:
    d("select create_instance('door', 'e')")
    replies = d(
        "select send_events(%s)", batch(item("e", "open"), item("d", "open"), item("e", "close"))
    )
    assert [(r["id"], r["state"]) for r in replies] == [
        ("e", ["open"]),
        ("d", ["open"]),
        ("e", ["closed"]),
    ]
    assert d("select send_events('[]')") == []


def test_a_batch_is_all_or_nothing(d: Call) -> None:
    d("select create_instance('door', 'e')")
    with refuses("not_accepted", NotAccepted):
        d("select send_events(%s)", batch(item("e", "open"), item("d", "close")))
    assert d("select get_instance('door', 'e')")["state"] == ["closed"]
    with refuses("not_found", NotFound) as caught:
        d("select send_events(%s)", batch(item("e", "open"), item("absent", "open")))
    assert caught.value.detail["id"] == "absent"


def test_a_batch_takes_event_ids_and_expected_seqs(d: Call) -> None:
    one = item("d", "open", event_id="k", expected_seq=1)
    assert d("select send_events(%s)", batch(one)) == d("select send_events(%s)", batch(one))


@pytest.mark.parametrize(
    ("items", "index"),
    [
        ("{}", None),
        ("[1]", 0),
        ([item("d", "open"), {"id": "d", "event": {"type": "open"}}], 1),
        ([item("d", "open"), {**item("d", "open"), "id": 5}], 1),
        ([{**item("d", "open"), "event": None}], 0),
        ([{**item("d", "open"), "event": {"type": 5}}], 0),
        ([{**item("d", "open"), "event_id": 5}], 0),
        ([{**item("d", "open"), "expected_seq": "two"}], 0),
        ([{**item("d", "open"), "evnet_id": "x"}], 0),
    ],
)
def test_a_malformed_item_is_named_by_its_index(
    d: Call, items: str | list[object], index: int | None
) -> None:
    with refuses("malformed_batch", BadRequest) as caught:
        d("select send_events(%s)", items if isinstance(items, str) else batch(*items))
    assert caught.value.detail.get("index") == index
    assert d("select get_instance('door', 'd')")["seq"] == 1


def test_a_batch_locks_in_one_order_whatever_its_own(d: Call, database: str) -> None:
    """While it waits for the first instance, it does not hold the second: no deadlock."""
    d("select create_instance('door', 'e')")
    with psycopg.connect(database) as first, psycopg.connect(database) as second:
        send(call_on(first), "open", "d")
        done: list[list[dict[str, object]]] = []
        reverse = batch(item("e", "close"), item("d", "close"))
        thread = threading.Thread(
            target=lambda: done.append(call_on(second)("select send_events(%s)", reverse))
        )
        thread.start()
        while not d("select cardinality(pg_blocking_pids(%s)) > 0", second.info.backend_pid):
            pass
        first.execute("set local lock_timeout = '5 s'")
        send(call_on(first), "open", "e")
        first.commit()
        thread.join()
        assert [reply["state"] for reply in done[0]] == [["closed"], ["closed"]]


# --- operators ---------------------------------------------------------------------------------


def test_a_paused_instance_refuses_events_until_it_is_resumed(d: Call) -> None:
    assert d("select pause_instance('door', 'd')")["status"] == "paused"
    with refuses("not_running", NotRunning) as caught:
        send(d, "open")
    assert caught.value.detail["status"] == "paused"
    with refuses("not_running", NotRunning):
        d("select pause_instance('door', 'd')")
    assert d("select resume_instance('door', 'd')")["status"] == "running"
    with refuses("not_paused", NotRunning):
        d("select resume_instance('door', 'd')")
    assert send(d, "open")["seq"] == 4


def test_a_stopped_instance_has_no_timers_and_never_runs_again(d: Call) -> None:
    send(d, "open")
    d("select stop_instance('door', 'd')")
    assert d("select timers from pawl_door.instance") == {}
    with refuses("not_running", NotRunning):
        send(d, "close")
    with refuses("not_running", NotRunning):
        d("select force_state('door', 'd', '{closed}', 'why')")


def test_force_state_is_journalled_with_its_reason(d: Call) -> None:
    send(d, "open")
    assert d("select force_state('door', 'd', '{closed}', 'stuck')")["state"] == ["closed"]
    event = d("select event from history('door', 'd') where seq = 3")
    assert event == {
        "type": "pawl.force_state",
        "from": ["open"],
        "to": ["closed"],
        "reason": "stuck",
    }
    assert d("select timers from pawl_door.instance") == {}


@pytest.mark.parametrize(
    ("state", "reason", "code", "kind"),
    [
        ("{opne}", "x", "unknown_state", Refused),
        ("{}", "x", "unknown_state", Refused),
        ("{open,open}", "x", "illegal_state", Refused),
        (None, "x", "null_argument", BadRequest),
        ("{open}", None, "null_argument", BadRequest),
    ],
)
def test_force_state_refuses_what_is_no_state(
    d: Call, state: str | None, reason: str | None, code: str, kind: type[PawlError]
) -> None:
    with refuses(code, kind):
        d("select force_state('door', 'd', %s::text[], %s)", state, reason)


def test_import_lets_a_row_enter_in_a_given_state(d: Call) -> None:
    reply = d("""select import_instance('door', 'i', 1, '{open}', '{"opened": 4}')""")
    assert (reply["state"], reply["context"], reply["seq"]) == (["open"], {"opened": 4}, 1)
    assert d("select fragile is null from pawl_door.instance where id = 'i'")
    assert d("select event ->> 'type' from history('door', 'i')") == "pawl.import"
    assert send(d, "close", "i")["state"] == ["closed"]


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        ("'d', 1, '{open}', '{}'", "already_exists", AlreadyExists),
        ("'i', 2, '{open}', '{}'", "unknown_version", NotFound),
        ("'i', null, '{open}', '{}'", "unknown_version", NotFound),
        ("'i', 1, '{opne}', '{}'", "unknown_state", Refused),
        ("'i', 1, '{open}', '{\"opend\": 1}'", "malformed_input", BadRequest),
        ("'i', 1, '{open}', '{\"seq\": 1}'", "malformed_input", BadRequest),
        ("'i', 1, '{open}', '{\"opened\": \"x\"}'", "malformed_input", BadRequest),
        ("'i', 1, '{open}', '{\"opened\": 99}'", "constraint_violated", Refused),
    ],
)
def test_import_refuses_what_cannot_be(
    d: Call, arguments: str, code: str, kind: type[PawlError]
) -> None:
    with refuses(code, kind):
        d(f"select import_instance('door', {arguments})")


def test_erasing_leaves_one_anonymous_journal_row(d: Call) -> None:
    d("select create_instance('door', 'other')")
    send(d, "open", event_id="k")
    send(d, "close")
    send(d, "ring")
    d("select * from pawl.claim_effects('w')")
    d("select erase_instance('door', 'd')")
    with refuses("not_found", NotFound):
        d("select get_instance('door', 'd')")
    for table in ("timer", "outbox", "lease", "effect_result", "event_key", "dead_letter"):
        assert d(f"select count(*) from pawl.{table}") == 0, table
    assert d("select array_agg(event ->> 'type' order by iid, seq) from pawl.journal") == [
        "pawl.erase",
        "init",
    ]
    assert d("select get_instance('door', 'other')")["seq"] == 1


OPERATIONS = (
    "pause_instance('door', 'd')",
    "resume_instance('door', 'd')",
    "stop_instance('door', 'd')",
    "force_state('door', 'd', '{open}', 'x')",
    "import_instance('door', 'i', 1, '{open}', '{}')",
    "erase_instance('door', 'd')",
)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_operators_are_trusted_callers_without_claims(
    connection: psycopg.Connection, d: Call, operation: str
) -> None:
    with connection.transaction(force_rollback=True):
        d("set local request.jwt.claims = '{}'")
        with refuses("trusted_only", Denied), connection.transaction():
            d(f"select {operation}")
    with connection.transaction(force_rollback=True):
        d("set local role pawl_worker")
        with pytest.raises(PawlError, match="permission denied"), connection.transaction():
            d(f"select {operation}")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_operations_on_what_is_absent_are_404(d: Call, operation: str) -> None:
    if "import" not in operation:
        with refuses("not_found", NotFound):
            d("select " + operation.replace("'d'", "'absent'"))
    with refuses("unknown_machine", NotFound):
        d("select " + operation.replace("'door'", "'absent'"))


def test_an_admin_without_superuser_operates(
    connection: psycopg.Connection, d: Call, role_name: Callable[[str], str]
) -> None:
    admin = role_name("operator")
    d(f"create role {admin} login in role pawl_admin")
    with connection.transaction():
        d(f"set local role {admin}")
        assert d("select pause_instance('door', 'd')")["status"] == "paused"
        d("select resume_instance('door', 'd')")
        assert d("select caller from history('door', 'd') order by seq desc limit 1") == admin
        d("select erase_instance('door', 'd')")
