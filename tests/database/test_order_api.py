"""The API as a trusted caller uses it, on the compiled order: what each function answers.

`test_api.py` tests the runtime alone, on a machine written by hand.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from pawl.errors import (
    AlreadyExists,
    BadRequest,
    MalformedPayload,
    NotFound,
    NotRunning,
    PawlError,
    Refused,
)
from tests.database.calls import Call, call_on
from tests.database.order import (
    COUNTER,
    COURIER,
    CUSTOMER,
    RESTAURANT,
    Refusal,
    answer,
    create_order,
    deploy_order,
    deploy_text,
    refusal_in,
    send,
    unchanged,
)

TALK = """\
machine: talk
version: 1
context: { mood: text not null default 'calm' }
events: { hear: { what: text not null }, leave: {} }
authorize: { create: true, read: true, send: { "*": true } }
output: { said: context.mood }
initial: room
states:
  room:
    initial: quiet
    tags: [inside]
    on: { leave: gone }
    states:
      quiet:
        tags: [calm]
        on: { hear: { target: loud, assign: { mood: event.what }, actions: [ { log: "'oh'" } ] } }
      loud: {}
  gone: { type: final }
"""


@pytest.fixture(scope="module")
def admin(module_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_database, autocommit=True) as connection:
        connection.execute("set timezone = 'UTC'")
        deploy_order(connection)
        for text in (COUNTER, TALK):
            deploy_text(connection, text)
        yield connection


@pytest.fixture
def call(admin: psycopg.Connection) -> Call:
    return call_on(admin)


@pytest.fixture
def refused(admin: psycopg.Connection) -> Refusal:
    return refusal_in(admin)


@pytest.fixture
def id() -> str:
    """The name of an instance of this test's own."""
    return f"i-{uuid.uuid4()}"


@pytest.fixture
def still(admin: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """The clock stands still until it is moved."""
    admin.execute("select pawl.set_clock('2026-01-01 12:00:00+00')")
    yield admin
    admin.execute("select pawl.reset_clock()")


def offered(id: str) -> dict[str, Any]:
    """What create_instance answers."""
    public = {"total": 12.5, "prep_minutes": None, "courier_id": None, "reason": None}
    return {
        **{"id": id, "machine": "order", "version": 1, "seq": 1, "tags": [], "output": None},
        **{"state": ["offered"], "state_value": "offered", "status": "running", "context": public},
    }


# --- begin and read ----------------------------------------------------------------------------


@pytest.mark.smoke
def test_create_answers_the_instance_with_its_public_context(call: Call, id: str) -> None:
    assert create_order(call, id) == offered(id)
    assert call("select get_instance('order', %s)", id) == offered(id)


def test_create_refuses_an_id_that_is_taken(call: Call, refused: Refusal, id: str) -> None:
    create_order(call, id)
    with refused("already_exists", AlreadyExists):
        create_order(call, id)


def test_create_takes_a_version_from_a_trusted_caller(call: Call, id: str) -> None:
    assert call("select create_instance('counter', %s, '{}', 1)", id)["version"] == 1


def test_ensure_creates_once_and_then_gets_whatever_the_input(call: Call, id: str) -> None:
    input = {"customer_id": CUSTOMER, "restaurant_id": RESTAURANT, "total": 12.5}
    ensure = "select ensure_instance('order', %s, %s)"
    assert call(ensure, id, json.dumps(input)) == offered(id)
    assert call(ensure, id, json.dumps({**input, "total": 99})) == offered(id)
    send(call, "order", id, "accept", {"prep_minutes": 5})
    assert call(ensure, id, "{}")["state"] == ["preparing"]


def test_ensure_refuses_what_create_refuses(call: Call, refused: Refusal, id: str) -> None:
    with refused("malformed_payload", MalformedPayload):
        call("select ensure_instance('order', %s, '{}')", id)


# --- send --------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_send_answers_the_instance_after_the_event(call: Call, id: str) -> None:
    created = create_order(call, id)
    reply = send(call, "order", id, "accept", {"prep_minutes": 20})
    assert reply == {
        **created,
        **{"state": ["preparing"], "state_value": "preparing", "seq": 2, "handled": True},
        "context": {**created["context"], "prep_minutes": 20},
    }
    got = call("select get_instance('order', %s)", id)
    assert got == {key: value for key, value in reply.items() if key != "handled"}


def test_a_nested_state_has_its_path_its_value_and_all_tags(call: Call, id: str) -> None:
    created = call("select create_instance('talk', %s)", id)
    assert (created["state"], created["state_value"]) == (["room.quiet"], {"room": "quiet"})
    assert sorted(created["tags"]) == ["calm", "inside"]
    heard = send(call, "talk", id, "hear", {"what": "noise"})
    assert (heard["state_value"], heard["tags"]) == ({"room": "loud"}, ["inside"])
    left = send(call, "talk", id, "leave")
    assert (left["status"], left["output"], left["tags"]) == ("done", {"said": "noise"}, [])
    assert call("select get_instance('talk', %s) -> 'output'", id) == {"said": "noise"}


def item(machine: str, id: str, type: str, **payload: object) -> dict[str, Any]:
    return {"machine": machine, "id": id, "event": {"type": type, **payload}}


def test_a_batch_answers_in_its_order_and_sees_its_own_changes(call: Call, id: str) -> None:
    create_order(call, id)
    call("select create_instance('counter', %s)", id)
    batch = [
        item("order", id, "accept", prep_minutes=5),
        {**item("counter", id, "add", by=2), "event_id": "k", "expected_seq": 1},
        {**item("counter", id, "add", by=3), "expected_seq": 2},
        {**item("counter", id, "add", by=2), "event_id": "k", "expected_seq": 99},
    ]
    replies = call("select send_events(%s)", json.dumps(batch))
    assert [(r["machine"], r["seq"]) for r in replies] == [
        *(("order", 2), ("counter", 2), ("counter", 3)),
        ("counter", 2),
    ]
    assert call("select get_instance('counter', %s)", id)["context"]["n"] == 5


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_bad_item_takes_back_all_others(
    admin: psycopg.Connection, call: Call, id: str, place: int
) -> None:
    create_order(call, id)
    call("select create_instance('counter', %s)", id)
    good = [item("order", id, "accept", prep_minutes=5), item("counter", id, "add")]
    for code, bad in (
        ("not_accepted", item("order", id, "complete")),
        ("malformed_payload", item("order", id, "accept", prep_minutes="x")),
        ("not_found", item("order", "absent", "accept")),
        ("unknown_machine", item("nobody", id, "accept")),
        ("seq_mismatch", {**item("counter", id, "add"), "expected_seq": 9}),
    ):
        batch = [*good[:place], bad, *good[place:]]
        with unchanged(admin), pytest.raises(PawlError) as caught:
            call("select send_events(%s)", json.dumps(batch))
        assert caught.value.code == code


# --- look ahead and back -----------------------------------------------------------------------


def test_enabled_events_are_those_of_the_state_and_its_ancestors(call: Call, id: str) -> None:
    create_order(call, id)
    call("select create_instance('talk', %s)", id)
    enabled = "select enabled_events(%s, %s)"
    assert call(enabled, "order", id) == ["accept", "reject"]
    assert call(enabled, "talk", id) == ["hear", "leave"]
    send(call, "talk", id, "hear", {"what": "x"})
    assert call(enabled, "talk", id) == ["leave"]


def test_simulate_tells_the_reply_and_the_commands(
    still: psycopg.Connection, call: Call, id: str
) -> None:
    create_order(call, id)
    event = '{"type": "accept", "prep_minutes": 20}'
    with unchanged(still):
        told = call("select simulate_event('order', %s, %s)", id, event)
    assert {key: told.pop(key) for key in ("effects", "log", "messages", "timers")} == {
        "effects": [],
        "log": [],
        "messages": [],
        "timers": [
            {
                **{"name": "after.prep_time.preparing", "event": None},
                "due_at": "2026-01-01T12:20:00+00:00",
            }
        ],
    }
    assert told == send(call, "order", id, "accept", {"prep_minutes": 20})


def test_history_tells_every_macrostep_who_asked_and_what_was_logged(call: Call, id: str) -> None:
    call("select create_instance('talk', %s, '{}')", id)
    send(call, "talk", id, "hear", {"what": "noise"}, event_id="k")
    send(call, "talk", id, "hear", {"what": "noise"}, event_id="k")
    rows = call("select array_agg(to_jsonb(h) - 'at') from history('talk', %s) as h", id)
    common = {"version": 1, "caller": "postgres", "sub": None, "trusted": True}
    assert rows == [
        {
            **{"seq": 1, "event": {"type": "pawl.init", "input": {}}, "state": ["room.quiet"]},
            **{"log": None, **common},
        },
        {
            **{"seq": 2, "event": {"type": "hear", "what": "noise"}, "state": ["room.loud"]},
            **{"log": ["oh"], **common},
        },
    ]


def test_whatever_only_reads_runs_in_a_read_only_transaction(call: Call, id: str) -> None:
    """As PostgREST answers GET; and what writes is told to be at fault by nobody but Postgres."""
    create_order(call, id)
    event = '{"type": "accept", "prep_minutes": 5}'
    call("set default_transaction_read_only = on")
    try:
        assert call("select get_instance('order', %s)", id)["seq"] == 1
        assert call("select enabled_events('order', %s)", id) == ["accept", "reject"]
        assert call("select simulate_event('order', %s, %s)", id, event)["seq"] == 2
        assert call("select count(*) from history('order', %s)", id) == 1
        with pytest.raises(PawlError) as caught:
            call("select send_event('order', %s, %s)", id, event)
        assert caught.value.sqlstate == "25006"
    finally:
        call("set default_transaction_read_only = off")


# --- operators ---------------------------------------------------------------------------------


def test_a_paused_instance_keeps_its_timers_and_fires_them_when_it_goes_on(
    still: psycopg.Connection, call: Call, id: str
) -> None:
    create_order(call, id)
    send(call, "order", id, "accept", {"prep_minutes": 5})
    assert call("select pause_instance('order', %s)", id)["status"] == "paused"
    for _ in range(12):
        call("select pawl.advance_clock('10 minutes')")
        call("select pawl.fire_due_timers(100)")
    reply = call("select get_instance('order', %s)", id)
    assert (reply["state"], reply["seq"]) == (["preparing"], 3)
    attempts = "select attempts from pawl.timer where name = 'after.prep_time.preparing' and iid ="
    of_this = " (select iid from pawl_order.instance where id = %s)"
    assert call(attempts + of_this, id) == 0, "a paused instance has not failed"
    assert call("select resume_instance('order', %s)", id)["status"] == "running"
    call("select pawl.advance_clock('10 minutes')")
    call("select pawl.fire_due_timers(100)")
    assert call("select get_instance('order', %s)", id)["state"] == ["dispatching"]


def test_a_result_that_comes_while_paused_is_applied_when_it_goes_on(
    still: psycopg.Connection, call: Call, id: str
) -> None:
    call("select count(erase_instance('order', id)) from pawl_order.instance")
    create_order(call, id)
    send(call, "order", id, "accept", {"prep_minutes": 5})
    call("select pawl.advance_clock('6 minutes')")
    call("select pawl.fire_due_timers(100)")
    call("select pause_instance('order', %s)", id)
    answer(still, "find_courier", {"courier_id": COURIER})
    assert call("select get_instance('order', %s)", id)["state"] == ["dispatching"]
    call("select resume_instance('order', %s)", id)
    call("select pawl.advance_clock('1 hour')")
    call("select pawl.apply_results()")
    reply = call("select get_instance('order', %s)", id)
    assert (reply["state"], reply["context"]["courier_id"]) == (["courier_offered"], COURIER)


def test_a_stopped_instance_is_left_alone(
    still: psycopg.Connection, call: Call, refused: Refusal, id: str
) -> None:
    create_order(call, id)
    assert call("select stop_instance('order', %s)", id)["status"] == "stopped"
    call("select pawl.advance_clock('10 minutes')")
    call("select pawl.fire_due_timers(100)")
    assert call("select get_instance('order', %s)", id)["seq"] == 2
    with refused("not_paused", NotRunning):
        call("select resume_instance('order', %s)", id)


def test_an_imported_instance_goes_on_from_its_state(call: Call, id: str) -> None:
    context = {"customer_id": CUSTOMER, "restaurant_id": RESTAURANT, "total": 3}
    context |= {"courier_id": COURIER, "asked": [COURIER]}
    query = "select import_instance('order', %s, 1, '{delivering}', %s)"
    reply = call(query, id, json.dumps(context))
    assert (reply["state"], reply["seq"], reply["status"]) == (["delivering"], 1, "running")
    assert reply["context"]["courier_id"] == COURIER
    assert send(call, "order", id, "complete")["status"] == "done"
    types = call("select array_agg(event ->> 'type' order by seq) from history('order', %s)", id)
    assert types == ["pawl.import", "complete"]


@pytest.mark.parametrize(
    ("state", "context", "code"),
    [
        ("{nowhere}", {}, "unknown_state"),
        ("{delivering}", {"total": 0}, "constraint_violated"),
        ("{delivering}", {"total": None}, "not_null_violated"),
    ],
)
def test_an_import_keeps_the_constraints(
    call: Call, refused: Refusal, id: str, state: str, context: dict[str, object], code: str
) -> None:
    full = {"customer_id": CUSTOMER, "restaurant_id": RESTAURANT, "total": 3, **context}
    with refused(code, Refused):
        query = "select import_instance('order', %s, 1, %s::text[], %s)"
        call(query, id, state, json.dumps(full))


def test_an_import_without_context_names_the_argument(call: Call, refused: Refusal) -> None:
    with refused("null_argument", BadRequest) as caught:
        call("select import_instance('order', 'x', 1, '{delivering}', null)")
    assert caught.value.detail["argument"] == "context"


def test_a_forced_state_ends_what_was_running_and_says_why(
    still: psycopg.Connection, call: Call, id: str
) -> None:
    create_order(call, id)
    reply = call("select force_state('order', %s, '{delivering}', 'lost')", id)
    assert (reply["state"], reply["seq"]) == (["delivering"], 2)
    call("select pawl.advance_clock('10 minutes')")
    call("select pawl.fire_due_timers(100)")
    assert call("select get_instance('order', %s)", id)["seq"] == 2
    event = call("select event from history('order', %s) where seq = 2", id)
    assert event["reason"] == "lost"


def test_a_state_can_be_forced_only_into_a_configuration(
    call: Call, refused: Refusal, id: str
) -> None:
    create_order(call, id)
    with refused("illegal_state", Refused):
        call("select force_state('order', %s, '{offered,preparing}', 'both')", id)
    reply = call("select force_state('order', %s, '{rejected}', 'lost')", id)
    assert (reply["state"], reply["status"]) == (["rejected"], "done")


REGIONS = """
machine: regions
authorize: {}
initial: work
states:
  work:
    type: parallel
    states:
      a: { initial: x, states: { x: {}, y: {} } }
      b: { initial: x, states: { x: {}, y: {} } }
  done: { type: final }
"""


def test_of_regions_each_must_have_its_leaf(
    still: psycopg.Connection, call: Call, refused: Refusal, id: str
) -> None:
    deploy_text(still, REGIONS)
    call("select create_instance('regions', %s)", id)
    for state in ("{work.a.x}", "{work.b.x,work.a.x}", "{work.a.x,work.a.y,work.b.x}"):
        with refused("illegal_state", Refused):
            call("select force_state('regions', %s, %s::text[], 'no')", id, state)
    reply = call("select force_state('regions', %s, '{work.a.y,work.b.x}', 'yes')", id)
    assert reply["state_value"] == {"work": {"a": "y", "b": "x"}}


def test_an_erased_instance_leaves_nothing_but_that_it_was_erased(
    call: Call, refused: Refusal, id: str
) -> None:
    create_order(call, id)
    send(call, "order", id, "reject", {"reason": "private"}, event_id="k")
    call("select erase_instance('order', %s)", id)
    with refused("not_found", NotFound):
        call("select get_instance('order', %s)", id)
    for table in ("pawl_order.instance", "pawl.journal", "pawl.outbox", "pawl.event_key"):
        query = (
            f"select count(*) from {table} as t where t::text like any (array[%s, '%%private%%'])"
        )
        assert call(query, f"%{id}%") == 0, table
    assert create_order(call, id)["seq"] == 1


def test_an_instance_is_erased_while_its_effect_is_performed_and_the_result_is_lost(
    call: Call, id: str
) -> None:
    create_order(call, id)
    claim = "select jsonb_agg(to_jsonb(c)) from pawl.claim_effects('w', p_limit => 1000) as c"
    ours = [one for one in call(claim) if one["id"] == id]
    assert len(ours) == 1
    effect, token = ours[0]["effect_id"], ours[0]["token"]
    call("select erase_instance('order', %s)", id)
    complete = "select outcome from pawl.complete_effects(%s, %s, array['{}'::jsonb])"
    assert call(complete, [effect], [token]) == "lost"
    for table in ("lease", "outbox", "effect_result"):
        assert call(f"select count(*) from pawl.{table} where effect_id = %s", effect) == 0
