"""Bad input: each a clear error with a stable code, and nothing changed.

The machines are compiled, so that what is tested is what generated code does with what it is sent;
`test_errors.py` tests the runtime's own functions.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from pawl.errors import (
    BadRequest,
    EventIdReused,
    MalformedEvent,
    MalformedPayload,
    NotAccepted,
    NotFound,
    NotRunning,
    PawlError,
    SeqMismatch,
    TooLarge,
    UnknownEvent,
)
from pawlc.compile import compile_machine
from pawlc.diagnostics import CompileError
from tests.database.calls import Call, call_on
from tests.database.order import (
    COUNTER,
    CUSTOMER,
    Refusal,
    create_order,
    deploy_order,
    deploy_text,
    refusal_in,
    send,
    unchanged,
)

LOOSE = """\
machine: loose
version: 1
strict: false
context: { seen: text }
effects: { ask: {} }
authorize: { create: true, read: true, send: { "*": true } }
initial: asking
states:
  asking:
    invoke: { src: ask, onDone: answered, onError: failed }
    after: { 5 minutes: failed }
    on: { "*": { assign: { seen: event.type } } }
  answered: {}
  failed: {}
"""


@pytest.fixture(scope="module")
def admin(module_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_database, autocommit=True) as connection:
        deploy_order(connection)
        for text in (LOOSE, COUNTER):
            deploy_text(connection, text)
        call = call_on(connection)
        call("select create_instance('loose', 'i')")
        create_order(call, "o")
        yield connection


@pytest.fixture
def call(admin: psycopg.Connection) -> Call:
    return call_on(admin)


@pytest.fixture
def refused(admin: psycopg.Connection) -> Refusal:
    return refusal_in(admin)


@pytest.fixture
def order(call: Call) -> str:
    """The id of an order of this test's own."""
    id = f"o-{uuid.uuid4()}"
    create_order(call, id)
    return id


# --- what is not there -------------------------------------------------------------------------


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("query", "code", "kind"),
    [
        ("send_event('odrer', 'o', '{\"type\": \"accept\"}')", "unknown_machine", NotFound),
        ("send_event('order', 'x', '{\"type\": \"accept\"}')", "not_found", NotFound),
        ("send_event('order', 'o', '{\"type\": \"acept\"}')", "unknown_event", UnknownEvent),
        ("simulate_event('order', 'x', '{\"type\": \"accept\"}')", "not_found", NotFound),
        ("simulate_event('order', 'o', '{\"type\": \"acept\"}')", "unknown_event", UnknownEvent),
        ("get_instance('order', 'x')", "not_found", NotFound),
        ("enabled_events('order', 'x')", "not_found", NotFound),
        ("history('order', 'x')", "not_found", NotFound),
        ("create_instance('odrer', 'x')", "unknown_machine", NotFound),
        ("create_instance('order', 'x', '{}', 2)", "unknown_version", NotFound),
        ("create_instance('order', 'x', '{}', -1)", "unknown_version", NotFound),
    ],
)
def test_what_is_not_there_is_named(
    call: Call, refused: Refusal, query: str, code: str, kind: type[PawlError]
) -> None:
    with refused(code, kind) as caught:
        call(f"select {query}")
    assert caught.value.hint


def test_a_misspelt_event_is_told_the_right_one(call: Call, refused: Refusal) -> None:
    with refused("unknown_event", UnknownEvent) as caught:
        send(call, "order", "o", "acept")
    assert caught.value.hint == 'Did you mean "accept"?'


# --- events that are none ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "event",
    [
        *(None, "null", "[]", '"accept"', "5", "true", "{}", '{"type": null}', '{"type": 5}'),
        *('{"type": ["accept"]}', '{"type": {"accept": 1}}', '{"prep_minutes": 20}'),
    ],
)
@pytest.mark.parametrize("function", ["send_event", "simulate_event"])
def test_what_is_no_event_is_refused(
    call: Call, refused: Refusal, function: str, event: str | None
) -> None:
    null = event is None
    code, kind = ("null_argument", BadRequest) if null else ("malformed_event", MalformedEvent)
    with refused(code, kind):
        call(f"select {function}('order', 'o', %s)", event)


@pytest.mark.parametrize(
    ("payload", "sqlstate"),
    [
        ('{"type": "accept", "prep_minutes": NaN}', "22P02"),
        ('{"type": "acc\\u0000ept"}', "22P05"),
        ('{"type": "accept", "prep_minutes": 1e200000}', "22003"),
        ('{"type": "accept"', "22P02"),
        ('{"type": "reject", "reason": ' + "[" * 100_000 + "]" * 100_000 + "}", "54001"),
    ],
)
def test_what_is_no_json_never_reaches_the_machine(
    admin: psycopg.Connection, call: Call, payload: str, sqlstate: str
) -> None:
    with unchanged(admin), pytest.raises(PawlError) as caught:
        call("select send_event('order', 'o', %s)", payload)
    assert (caught.value.sqlstate, caught.value.code) == (sqlstate, "database_error")


@pytest.mark.parametrize("depth", [1_000, 5_000])
def test_json_nested_deeply_is_refused_where_text_is_expected(
    call: Call, refused: Refusal, depth: int
) -> None:
    deep = '{"type": "reject", "reason": ' + "[" * depth + "]" * depth + "}"
    with refused("malformed_payload", MalformedPayload) as caught:
        call("select send_event('order', 'o', %s)", deep)
    assert (caught.value.detail["field"], caught.value.detail["problem"]) == ("reason", "type")


def test_an_event_of_more_than_a_megabyte_is_too_large(call: Call, refused: Refusal) -> None:
    with refused("too_large", TooLarge) as caught:
        send(call, "order", "o", "reject", {"reason": "x" * 1_048_576})
    assert caught.value.sqlstate == "PT413"
    with refused("too_large", TooLarge):
        create_order(call, "large", note="x" * 1_048_576)
    batch = [{"machine": "order", "id": "o", "event": {"type": "x", "x": "x" * 1_048_576}}]
    with refused("too_large", TooLarge):
        call("select send_events(%s)", json.dumps(batch))


def test_a_payload_just_below_a_megabyte_is_taken(call: Call, order: str) -> None:
    reply = send(call, "order", order, "reject", {"reason": "x" * 1_000_000})
    assert len(reply["context"]["reason"]) == 1_000_000
    call("select erase_instance('order', %s)", order)


@pytest.mark.parametrize("payload", [{"type": "x" * 900_000}, {"type": "accept", "x" * 900_000: 1}])
def test_a_long_name_costs_no_more_than_a_short_one(
    call: Call, refused: Refusal, payload: dict[str, object]
) -> None:
    """The search for a similar name once took time in the square of the length."""
    code = "unknown_event" if len(payload) == 1 else "malformed_payload"
    with refused(code, UnknownEvent if len(payload) == 1 else MalformedPayload) as caught:
        call("select send_event('order', 'o', %s)", json.dumps({"prep_minutes": 5, **payload}))
    assert len(caught.value.message) <= 1000


# --- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "id",
    [
        *("it's; drop table x; --", 'a"b', "🙂", "x" * 255, "🙂" * 63, "a\nb", " ", "%s", "\\x"),
        *("NULL", "null", "O", "o ", "\u00f6", "o\u0308", "pawl_order.instance", "$$", "$1"),
    ],
)
def test_an_id_is_any_text(call: Call, id: str) -> None:
    assert create_order(call, id)["id"] == id
    assert send(call, "order", id, "accept", {"prep_minutes": 5})["id"] == id
    assert call("select get_instance('order', %s)", id)["id"] == id
    query = "select count(*) from pawl_order.instance where id = %s"
    assert call(query, id) == 1
    assert call("select array_agg(seq order by seq) from history('order', %s)", id) == [1, 2]


@pytest.mark.parametrize("id", ["", "x" * 256, "é" * 128, "🙂" * 64])
def test_an_id_takes_1_to_255_bytes(call: Call, refused: Refusal, id: str) -> None:
    with refused("malformed_id", BadRequest) as caught:
        create_order(call, id)
    assert caught.value.detail["bytes"] == len(id.encode())
    with refused("malformed_id", BadRequest):
        call("select ensure_instance('counter', %s)", id)
    with refused("not_found", NotFound):
        send(call, "order", id, "accept", {"prep_minutes": 5})


def test_an_id_with_a_nul_is_refused_before_it_is_sent(call: Call) -> None:
    with pytest.raises(PawlError, match="NUL"):
        call("select create_instance('order', %s)", "a\0b")


def test_names_keep_apart_what_differs_only_in_case_or_accents(call: Call) -> None:
    for id in ("Case", "case", "\u00e9", "e\u0301"):
        call("select create_instance('counter', %s)", id)
    send(call, "counter", "case", "add")
    ids = ("Case", "case", "\u00e9")
    seqs = [call("select get_instance('counter', %s)", id)["seq"] for id in ids]
    assert seqs == [1, 2, 1]


@pytest.mark.parametrize("event_id", ["", "k" * 256, "🙂" * 64, "k" * 20_000])
def test_an_event_id_takes_1_to_255_bytes(
    call: Call, refused: Refusal, order: str, event_id: str
) -> None:
    with refused("malformed_event_id", BadRequest):
        send(call, "order", order, "reject", {"reason": "x"}, event_id=event_id)
    item = {"machine": "order", "id": order, "event": {"type": "reject", "reason": "x"}}
    with refused("malformed_event_id", BadRequest):
        call("select send_events(%s)", json.dumps([{**item, "event_id": event_id}]))


@pytest.mark.parametrize("event_id", ["k'; --", "🙂" * 63, " ", "k" * 255])
def test_an_event_id_is_any_text(call: Call, order: str, event_id: str) -> None:
    once = send(call, "order", order, "reject", {"reason": "x"}, event_id=event_id)
    assert send(call, "order", order, "reject", {"reason": "x"}, event_id=event_id) == once


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("machine: counter", f"machine: {'m' * 55}"),
        ("  last: text", f"  last: text\n  {'f' * 64}: text"),
        ("  close: {}", f"  close: {{}}\n  {'e' * 56}: {{}}"),
        ("add: { by:", f"add: {{ {'p' * 64}: int, by:"),
    ],
)
def test_a_name_whose_identifiers_postgres_would_cut_is_refused_at_compile(
    old: str, new: str
) -> None:
    assert old in COUNTER
    with pytest.raises(CompileError) as caught:
        compile_machine(COUNTER.replace(old, new), "m.yaml")
    assert "PW222" in {one.code for one in caught.value.diagnostics}


# --- not here, not now -------------------------------------------------------------------------


def test_an_event_that_the_state_does_not_take_lists_what_it_takes(
    call: Call, refused: Refusal, order: str
) -> None:
    with refused("not_accepted", NotAccepted) as caught:
        send(call, "order", order, "complete")
    assert caught.value.detail["state"] == ["offered"]
    assert caught.value.detail["accepts"] == ["accept", "reject"]


@pytest.mark.parametrize("expected", [0, 2, -1, 2**63 - 1])
def test_an_outdated_expectation_is_refused(
    call: Call, refused: Refusal, order: str, expected: int
) -> None:
    with refused("seq_mismatch", SeqMismatch) as caught:
        send(call, "order", order, "reject", {"reason": "x"}, expected_seq=expected)
    assert caught.value.detail["seq"] == 1


def test_an_event_id_belongs_to_one_event(call: Call, refused: Refusal, order: str) -> None:
    first = send(call, "order", order, "reject", {"reason": "x"}, event_id="k")
    for other in ({"reason": "y"}, {"reason": "x", "more": 1}):
        with refused("event_id_reused", EventIdReused):
            send(call, "order", order, "reject", other, event_id="k")
    with refused("event_id_reused", EventIdReused):
        send(call, "order", order, "accept", {"prep_minutes": 5}, event_id="k")
    assert send(call, "order", order, "reject", {"reason": "x"}, event_id="k") == first


@pytest.mark.parametrize("status", ["done", "paused", "stopped"])
def test_an_instance_that_does_not_run_says_why(
    call: Call, refused: Refusal, order: str, status: str
) -> None:
    if status == "done":
        send(call, "order", order, "reject", {"reason": "x"})
    else:
        call(f"select {'pause' if status == 'paused' else 'stop'}_instance('order', %s)", order)
    with refused("not_running", NotRunning) as caught:
        send(call, "order", order, "accept", {"prep_minutes": 5})
    assert caught.value.detail["status"] == status
    with refused("not_running", NotRunning):
        call("select simulate_event('order', %s, '{\"type\": \"accept\"}')", order)
    assert call("select enabled_events('order', %s)", order) == []


INTERNAL = [
    "after.5 minutes.offered",
    "after.5 minutes.asking",
    "done.invoke.dispatching.find_courier",
    "done.invoke.asking.ask",
    "error.invoke.offered.offer_to_restaurant",
    "error.invoke.asking.ask",
    "done.state.asking",
    "snapshot.invoke.asking.ask",
    "error.send.note",
    "pawl.init",
    "pawl.force_state",
]


@pytest.mark.parametrize("type", INTERNAL)
@pytest.mark.parametrize(("machine", "id"), [("order", "o"), ("loose", "i")])
def test_what_only_the_machine_itself_says_is_refused_from_outside(
    call: Call, refused: Refusal, machine: str, id: str, type: str
) -> None:
    payload: dict[str, Any] = {"output": {"courier_id": CUSTOMER}, "error": {"message": "x"}}
    for forged in ({}, payload):
        with refused("unknown_event", UnknownEvent):
            send(call, machine, id, type, forged)
        with refused("unknown_event", UnknownEvent):
            event = json.dumps({"type": type, **forged})
            call("select simulate_event(%s, %s, %s)", machine, id, event)
    batch = [{"machine": machine, "id": id, "event": {"type": type}}]
    with refused("unknown_event", UnknownEvent):
        call("select send_events(%s)", json.dumps(batch))


@pytest.mark.parametrize("type", ["afternoon", "done", "error.x", "", "a b", "x" * 1000, "é"])
def test_a_machine_that_is_not_strict_takes_any_other_name(call: Call, type: str) -> None:
    reply = send(call, "loose", "i", type, {"anything": [1]})
    assert (reply["handled"], reply["context"]["seen"]) == (True, type)
