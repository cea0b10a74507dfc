"""Senders who may not read: what a machine with `reply: none` keeps from them, in every answer.

And what any machine keeps from those who may neither read nor send: that an instance exists.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest

from pawl.client import Client
from pawl.errors import (
    AlreadyExists,
    Denied,
    EventIdReused,
    MalformedPayload,
    NotAccepted,
    NotFound,
    PawlError,
)
from tests.database.calls import Call, call_on, refuses, wait_until_blocked
from tests.database.order import (
    CUSTOMER,
    Cast,
    acting,
    admit,
    client,
    create_order,
    deploy_order,
    deploy_text,
    send,
    unchanged,
)

POLL = """\
machine: poll
version: 1
reply: none
context:
  owner: text not null
  secret: text
  n: int not null default 0
input: [owner, secret]
events:
  vote: { for: int not null }
  close: {}
  stop: {}
  halt: {}
  reveal: {}
  bid: { by: int not null }
authorize:
  create: claims ? 'sub'
  read: claims->>'sub' = context.owner
  send:
    vote, stop, reveal: claims ? 'sub'
    close: claims->>'sub' = context.owner
    halt: sender.machine = 'linked'
    bid: event.by < (claims->>'limit')::int
initial: open
states:
  open:
    on:
      vote: [{ guard: event.for > 0, target: counting, assign: { n: context.n + event.for } }]
      reveal: { target: shut, assign: { n: context.secret::int } }
      bid: {}
      close: shut
      stop: shut
      halt: shut
  counting:
    on:
      vote: { target: counting, assign: { n: context.n + event.for } }
      close: shut
      bid: {}
  shut: { type: final }
"""

LINKED = """\
machine: linked
version: 1
events: { pass: { to: text not null } }
authorize: { create: "true", read: "true", send: { pass: "true" } }
initial: on
states:
  on:
    on:
      pass:
        actions:
          send: { event: halt, to: { machine: poll, id: event.to }, atomic: true }
"""


@pytest.fixture(scope="module")
def dsn(module_database: str, cast: Cast) -> str:
    with psycopg.connect(module_database, autocommit=True) as connection:
        admit(connection, cast)
        deploy_order(connection)
        for text in (POLL, LINKED):
            deploy_text(connection, text)
        create_order(call_on(connection), "there")
    return module_database


@pytest.fixture(scope="module")
def admin(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def call(admin: psycopg.Connection) -> Call:
    return call_on(admin)


@pytest.fixture
def poll(call: Call, request: pytest.FixtureRequest) -> str:
    """The id of a poll of this test's own; its owner is ann."""
    input = '{"owner": "ann", "secret": "hunter2"}'
    call("select create_instance('poll', %s, %s)", request.node.name, input)
    return str(request.node.name)


@pytest.fixture
def bob(dsn: str, cast: Cast) -> Iterator[Call]:
    """A client who may vote and not read."""
    with client(dsn, cast, sub="bob") as call:
        yield call


def told(error: PawlError) -> str:
    """Everything that an error says."""
    return json.dumps([error.message, error.detail, error.hint, str(error)])


# --- reply: none -------------------------------------------------------------------------------


def test_a_client_is_answered_with_the_name_and_nothing_else(
    call: Call, bob: Call, poll: str
) -> None:
    nothing = {"id": poll, "machine": "poll"}
    assert send(bob, "poll", poll, "vote", {"for": 1}) == nothing
    assert send(bob, "poll", poll, "vote", {"for": 1}, event_id="k") == nothing
    assert send(bob, "poll", poll, "vote", {"for": 1}, event_id="k") == nothing
    assert bob("select poll_vote(%s, 1)", poll) == nothing
    batch = [{"machine": "poll", "id": poll, "event": {"type": "vote", "for": 1}}]
    assert bob("select send_events(%s)", json.dumps(batch)) == [nothing]
    assert call("select get_instance('poll', %s) -> 'context' -> 'n'", poll) == 4


def test_a_creator_is_told_as_little(call: Call, bob: Call) -> None:
    made = "select create_instance('poll', %s, %s)"
    assert bob(made, "made", '{"owner": "ann"}') == {"id": "made", "machine": "poll"}
    assert bob("select create_poll('typed', 'ann')") == {"id": "typed", "machine": "poll"}
    ensured = "select ensure_instance('poll', 'ensured', %s)"
    assert bob(ensured, '{"owner": "ann"}') == {"id": "ensured", "machine": "poll"}
    with refuses("already_exists", AlreadyExists):
        bob(ensured, '{"owner": "ann"}')


def test_who_is_trusted_is_answered_as_ever_and_an_event_id_gives_nobody_his_reply(
    call: Call, dsn: str, cast: Cast, poll: str
) -> None:
    reply = send(call, "poll", poll, "stop", event_id="k")
    assert (reply["state"], reply["context"]["secret"]) == (["shut"], "hunter2")
    with client(dsn, cast, sub="bob") as bob:
        assert send(bob, "poll", poll, "stop", event_id="k") == {"id": poll, "machine": "poll"}


def test_an_error_does_not_tell_where_the_instance_is(call: Call, bob: Call, poll: str) -> None:
    def refusal(type: str, seq: int | None = None, **payload: object) -> str:
        with refuses("not_accepted", NotAccepted) as caught:
            send(bob, "poll", poll, type, payload, expected_seq=seq)
        return told(caught.value)

    guarded = refusal("vote", **{"for": 0})
    stale = [refusal("stop", seq=n) for n in (0, 2, 99)]
    send(call, "poll", poll, "vote", {"for": 1})
    elsewhere = refusal("stop")
    send(call, "poll", poll, "close")
    over = refusal("stop")
    assert {*stale, elsewhere, over} == {elsewhere}, "all the same, whatever the reason"
    assert guarded.replace("vote", "stop") == elsewhere
    for word in ("open", "counting", "shut", "done", "seq", "accepts", "guard"):
        assert word not in elsewhere


def test_an_expression_that_fails_does_not_tell_the_row(call: Call, bob: Call, poll: str) -> None:
    with pytest.raises(PawlError) as caught:
        send(bob, "poll", poll, "reveal")
    assert (caught.value.sqlstate, caught.value.code) == ("22P02", "expression_failed")
    assert "hunter2" not in told(caught.value)
    assert "open" not in told(caught.value)
    with pytest.raises(PawlError, match="hunter2"):
        send(call, "poll", poll, "reveal")


def test_what_the_sender_did_wrong_himself_is_told(bob: Call, poll: str) -> None:
    with refuses("malformed_payload", MalformedPayload) as caught:
        send(bob, "poll", poll, "vote")
    assert caught.value.detail["field"] == "for"
    with refuses("malformed_payload", MalformedPayload) as caught:
        send(bob, "poll", poll, "vote", {"for": "x"})
    assert caught.value.detail["field"] == "for"
    send(bob, "poll", poll, "vote", {"for": 1}, event_id="k")
    with refuses("event_id_reused", EventIdReused):
        send(bob, "poll", poll, "vote", {"for": 2}, event_id="k")


def test_the_events_that_are_possible_would_tell_the_state(
    dsn: str, cast: Cast, call: Call, bob: Call, poll: str
) -> None:
    with refuses("not_found", NotFound):
        bob("select enabled_events('poll', %s)", poll)
    with client(dsn, cast, sub="ann") as ann:
        events = ann("select enabled_events('poll', %s)", poll)
        assert events == ["vote", "close", "stop", "reveal"]
        assert ann("select get_instance('poll', %s) -> 'seq'", poll) == 1
        assert send(ann, "poll", poll, "close") == {"id": poll, "machine": "poll"}
    assert call("select enabled_events('poll', %s)", poll) == []


def test_the_python_client_knows_that_nothing_was_told(dsn: str, cast: Cast, poll: str) -> None:
    address = psycopg.conninfo.make_conninfo(dsn, user=cast.authenticator)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'set role "{cast.client}"'.encode())
        connection.execute("select set_config('request.jwt.claims', '{\"sub\": \"bob\"}', false)")
        reply = Client(connection).send("poll", poll, "vote", {"for": 1})
    assert (reply.id, reply.machine, reply.told) == (poll, "poll", False)
    assert (reply.status, reply.state, dict(reply.context)) == ("unknown", (), {})


def test_a_refused_atomic_message_does_not_tell_its_receivers_state(
    call: Call, bob: Call, poll: str
) -> None:
    bob("select create_instance('linked', %s)", poll)
    send(call, "poll", poll, "close")
    with refuses("not_accepted", NotAccepted) as caught:
        send(bob, "linked", poll, "pass", {"to": poll})
    assert "shut" not in told(caught.value)
    assert "done" not in told(caught.value)


# --- absent or forbidden -----------------------------------------------------------------------

ATTEMPTS: list[tuple[str, Callable[[Call, str], object]]] = [
    ("denied", lambda call, id: send(call, "order", id, "reject", {"reason": "x"})),
    ("typed", lambda call, id: call("select order_reject(%s, 'x')", id)),
    ("undeclared", lambda call, id: send(call, "order", id, "unheard_of")),
    ("of its own", lambda call, id: send(call, "order", id, "after.5 minutes.offered")),
    ("no event", lambda call, id: call("select send_event('order', %s, '[]')", id)),
    ("without type", lambda call, id: call("select send_event('order', %s, '{\"a\": 1}')", id)),
    ("malformed", lambda call, id: send(call, "order", id, "accept", {"no": 1})),
    ("too large", lambda call, id: send(call, "order", id, "reject", {"reason": "x" * 1_100_000})),
    ("known", lambda call, id: send(call, "order", id, "reject", {"reason": "x"}, event_id="k")),
    ("bad key", lambda call, id: send(call, "order", id, "reject", {"reason": "x"}, event_id="")),
    ("stale", lambda call, id: send(call, "order", id, "complete", expected_seq=9)),
    (
        "batch",
        lambda call, id: call(
            "select send_events(%s)",
            json.dumps([{"machine": "order", "id": id, "event": {"type": "complete"}}]),
        ),
    ),
    ("read", lambda call, id: call("select get_instance('order', %s)", id)),
    ("history", lambda call, id: call("select history('order', %s)", id)),
    ("enabled", lambda call, id: call("select enabled_events('order', %s)", id)),
    (
        "simulate",
        lambda call, id: call("select simulate_event('order', %s, '{\"type\": \"complete\"}')", id),
    ),
]


@pytest.mark.parametrize(("attempt"), [a for _, a in ATTEMPTS], ids=[name for name, _ in ATTEMPTS])
def test_who_may_neither_read_nor_send_cannot_tell_an_instance_from_none(
    admin: psycopg.Connection, dsn: str, cast: Cast, attempt: Callable[[Call, str], object]
) -> None:
    with client(dsn, cast, sub="eve", restaurant_id="eve") as eve, unchanged(admin):
        with refuses("not_found", NotFound) as forbidden:
            attempt(eve, "there")
        with refuses("not_found", NotFound) as absent:
            attempt(eve, "gone")
    assert told(forbidden.value).replace("there", "gone") == told(absent.value)


def test_where_no_client_may_read_all_are_denied_whether_or_not_there_is_an_instance(
    admin: psycopg.Connection, dsn: str, cast: Cast
) -> None:
    deploy_text(
        admin,
        "machine: post\nversion: 1\nevents: { drop: {}, lock: { by: int not null } }\n"
        "authorize:\n  create: claims ? 'sub'\n  send:\n    drop: claims->>'sub' = 'ann'\n"
        "    lock: event.by < (claims->>'limit')::int\n"
        "initial: open\nstates: { open: { on: { drop: {}, lock: {} } } }\n",
    )
    admin.execute("select create_instance('post', 'there')")
    with client(dsn, cast, sub="eve", limit=1) as eve, unchanged(admin):
        for query in (
            "select send_event('post', %s, '{\"type\": \"drop\"}')",
            'select send_event(\'post\', %s, \'{"type": "lock", "by": 1}\')',
            "select send_event('post', %s, '{\"type\": \"unheard_of\"}', 'k', 9)",
            "select send_event('post', %s, '{\"no\": 1}')",
            "select send_event('post', %s, '[]')",
            "select post_drop(%s)",
            "select send_events(jsonb_build_array(jsonb_build_object("
            "  'machine', 'post', 'id', %s::text, 'event', '{\"type\": \"drop\"}'::jsonb)))",
        ):
            said = []
            for id in ("there", "gone"):
                with pytest.raises(PawlError) as caught:
                    eve(query, id)
                assert caught.value.code in ("denied", "malformed_event")
                said.append(told(caught.value).replace("there", "gone"))
            assert said[0] == said[1], query
    with client(dsn, cast, sub="ann") as ann:
        assert send(ann, "post", "there", "drop")["handled"]
        with refuses("denied", Denied):
            send(ann, "post", "gone", "drop")
    with refuses("not_found", NotFound):
        send(call_on(admin), "post", "gone", "drop")


def test_who_is_nobody_cannot_tell_an_instance_from_none_either(dsn: str, cast: Cast) -> None:
    event = '{"type": "complete"}'
    for user, role, code in (
        (cast.authenticator, cast.client, "claims_missing"),
        (cast.stranger, None, "unknown_caller"),
    ):
        with acting(dsn, user, role=role) as nobody:
            for machine in ("order", "poll"):
                for id in ("there", "gone"):
                    with pytest.raises(PawlError) as caught:
                        nobody("select send_event(%s, %s, %s)", machine, id, event)
                    assert caught.value.code == code


def test_who_may_read_is_told_that_he_may_not_send(dsn: str, cast: Cast) -> None:
    with client(dsn, cast, sub=CUSTOMER) as customer, refuses("denied", Denied) as caught:
        send(customer, "order", "there", "reject", {"reason": "x"})
    assert caught.value.sqlstate == "PT403"


def test_a_rule_that_reads_the_payload_is_asked_before_a_status_or_a_first_reply_is_told(
    dsn: str, cast: Cast, call: Call, poll: str
) -> None:
    send(call, "poll", poll, "bid", {"by": 5}, event_id="k")
    with client(dsn, cast, limit=5) as eve:
        for more in ({"event_id": "k"}, {"expected_seq": 9}, {}):
            with refuses("not_found", NotFound):
                send(eve, "poll", poll, "bid", {"by": 5}, **more)
        send(call, "poll", poll, "close")
        with refuses("not_found", NotFound):
            send(eve, "poll", poll, "bid", {"by": 5})
        with refuses("not_found", NotFound):
            eve("select send_event('poll', %s, '{\"no\": 1}')", poll)


# --- locks -------------------------------------------------------------------------------------


def test_a_refused_sender_holds_no_lock(dsn: str, cast: Cast, call: Call) -> None:
    address = psycopg.conninfo.make_conninfo(dsn, user=cast.authenticator)
    free = "select count(*) from (select from pawl_order.instance for update skip locked) as f"
    with psycopg.connect(address) as connection, connection.cursor() as cursor:
        cursor.execute(f'set local role "{cast.client}"'.encode())
        cursor.execute("select set_config('request.jwt.claims', '{\"sub\": \"eve\"}', true)")
        cursor.execute("savepoint before")
        with pytest.raises(psycopg.Error, match="does not exist"):
            cursor.execute("""select send_event('order', 'there', '{"type": "complete"}')""")
        assert call(free) == 1, "the transaction has failed and not yet ended"
        cursor.execute("rollback to savepoint before")
        assert call(free) == 1


def test_a_batch_locks_nothing_that_its_sender_may_not_touch_while_it_waits(
    dsn: str, cast: Cast, call: Call, poll: str
) -> None:
    """A forbidden instance before one's own, which one holds in another session."""
    address = psycopg.conninfo.make_conninfo(dsn, user=cast.authenticator)
    claims = "select set_config('request.jwt.claims', '{\"sub\": \"eve\"}', false)"
    batch = [
        {"machine": "order", "id": "there", "event": {"type": "complete"}},
        {"machine": "poll", "id": poll, "event": {"type": "vote", "for": 1}},
    ]
    with (
        psycopg.connect(address) as holds,
        acting(dsn, cast.authenticator, role=cast.client, claims={"sub": "eve"}) as waits,
    ):
        holds.execute(f'set local role "{cast.client}"'.encode())
        holds.execute(claims)
        vote = '{"type": "vote", "for": 1}'
        holds.execute("select send_event('poll', %s, %s)", (poll, vote))
        pid = waits("select pg_backend_pid()")

        refused: list[PawlError] = []

        def attack() -> None:
            try:
                waits("select send_events(%s)", json.dumps(batch))
            except PawlError as error:
                refused.append(error)

        thread = threading.Thread(target=attack)
        thread.start()
        wait_until_blocked(call, pid)
        free = "select count(*) from (select from pawl_order.instance for update skip locked) as f"
        assert call(free) == 1
        holds.rollback()
        thread.join()
    assert [error.code for error in refused] == ["not_found"]
