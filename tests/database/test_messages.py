"""Messages between instances: in order, once, from a verified sender; and atomic ones."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest

from pawl.client import Client
from pawl.errors import Conflict, Denied, NotAccepted, NotFound, PawlError
from tests.database.calls import Call, call_on, refuses
from tests.database.order import Cast, admit, client, deploy_text, send, unchanged

DESK = """\
machine: desk
version: 1
context: { back: jsonb, failures: int not null default 0 }
events:
  post: { to: text, what: text not null, n: int }
  tell: { to: text not null, n: int }
  later: { to: text not null }
  leave: {}
  close: {}
authorize: { send: { "*": true } }
initial: open
states:
  open:
    on:
      post:
        - guard: event.what = $$add$$
          actions:
            send: { event: add, to: { machine: box, id: event.to }, data: { n: event.n }, id: add }
        - guard: event.what = $$secret$$
          actions: { send: { event: secret, to: { machine: box, id: event.to }, id: add } }
        - guard: event.what = $$lost$$
          actions: { send: { event: add, to: { machine: nowhere, id: event.to }, id: add } }
        - guard: event.what = $$divide$$
          actions: { send: { event: divide, to: { machine: box, id: event.to }, id: add } }
      tell:
        actions: { send: { event: add, to: { machine: box, id: event.to }, data: { n: event.n } } }
      later:
        actions:
          send:
            event: add
            to: { machine: box, id: event.to }
            data: { n: 9 }
            delay: 1 hour
            id: l
      error.send.add:
        assign: { back: "to_jsonb(event.error.code)", failures: context.failures + 1 }
      leave: { actions: { cancel: l } }
      close: closed
  closed: { type: final }
"""
"""Sends what it is told to send; `add` has an id, by which what was refused comes back."""

BOX = """\
machine: box
version: 1
context: { got: "int[] not null default '{}'", zero: int not null default 0 }
events:
  add: { n: int not null }
  secret: {}
  divide: {}
  shut: {}
authorize:
  create: true
  send:
    add: sender.machine = $$desk$$ and sender.id <> $$spy$$
    secret: claims->>'sub' = $$owner$$
    divide: sender.id is not null
initial: open
states:
  open:
    on:
      add: { assign: { got: "array_append(context.got, event.n)" } }
      divide: { assign: { zero: 1 / context.zero } }
      secret: { assign: { got: "array[]::int[]" } }
      shut: shut
  shut: { type: final }
"""


@pytest.fixture(scope="module")
def dsn(module_database: str, cast: Cast) -> str:
    with psycopg.connect(module_database, autocommit=True) as connection:
        admit(connection, cast)
        for text in (DESK, BOX, ORDER, COURIER):
            deploy_text(connection, text)
    return module_database


@pytest.fixture
def connection(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection
        connection.execute("delete from pawl.message")
        connection.execute("delete from pawl.dead_letter")
        connection.execute("select pawl.reset_clock()")
        for machine in ("desk", "box"):
            connection.execute(
                f"select erase_instance('{machine}', id) from pawl_{machine}.instance".encode()
            )


@pytest.fixture
def call(connection: psycopg.Connection) -> Call:
    """A desk `d` and a box `b`, in a time that stands still."""
    call = call_on(connection)
    call("select pawl.set_clock('2030-01-01 00:00+00')")
    call("select create_instance('desk', 'd')")
    call("select create_instance('box', 'b')")
    return call


def post(call: Call, what: str, to: str, n: int | None = None, desk: str = "d") -> None:
    send(call, "desk", desk, "post", {"what": what, "to": to, "n": n})


def deliver(call: Call) -> int:
    """Deliver until nothing is due; how many were dealt with."""
    dealt = 0
    while more := call("select pawl.deliver_messages()"):
        dealt += more
    return dealt


def got(call: Call, box: str = "b") -> list[int]:
    return call("select got from pawl_box.instance where id = %s", box)


def came_back(call: Call) -> tuple[object, int]:
    row = "select jsonb_build_array(back, failures) from pawl_desk.instance where id = 'd'"
    back, failures = call(row)
    return back, failures


@pytest.mark.smoke
def test_messages_arrive_once_and_in_the_order_in_which_they_were_sent(call: Call) -> None:
    for n in range(5):
        post(call, "add", "b", n)
    assert got(call) == [], "it is a transaction of its own"
    assert deliver(call) == 5
    assert got(call) == [0, 1, 2, 3, 4]
    assert deliver(call) == 0
    assert call("select count(*) from pawl.message") == 0


def test_the_journal_says_who_sent_it(call: Call) -> None:
    post(call, "add", "b", 1)
    deliver(call)
    row = (
        "select jsonb_build_array(sender, trusted, source) from pawl.journal"
        " where machine = 'box' order by at desc limit 1"
    )
    assert call(row) == [["desk", "d"], False, None]


def test_a_transition_that_is_rolled_back_sends_nothing(
    call: Call, connection: psycopg.Connection
) -> None:
    with unchanged(connection), connection.transaction(force_rollback=True):
        post(call, "add", "b", 1)


def test_the_receiver_authorizes_the_sender_and_nobody_can_pretend_to_be_one(
    call: Call, dsn: str, cast: Cast
) -> None:
    call("select create_instance('desk', 'spy')")
    post(call, "add", "b", 1, desk="spy")
    post(call, "secret", "b")
    deliver(call)
    assert got(call) == []
    assert came_back(call) == ("denied", 1)
    with client(dsn, cast, sub="d", sender={"machine": "desk", "id": "d"}) as end_user:
        with refuses("denied", Denied):
            send(end_user, "box", "b", "add", {"n": 1})
        with refuses("database_error", PawlError):
            end_user("select pawl_box.receive_message('b', '{\"type\": \"add\"}', '{desk,d}')")


def test_an_absent_receiver_is_told_to_the_sender(call: Call) -> None:
    post(call, "add", "nobody", 1)
    deliver(call)
    assert came_back(call) == ("not_found", 1)
    post(call, "lost", "b", 1)
    deliver(call)
    assert came_back(call) == ("unknown_machine", 2)
    send(call, "desk", "d", "post", {"what": "add", "n": 1})
    deliver(call)
    assert came_back(call) == ("null_argument", 3)


def test_what_the_receiver_does_not_take_is_told_to_the_sender(call: Call) -> None:
    post(call, "add", "b")
    deliver(call)
    assert came_back(call) == ("malformed_payload", 1)
    send(call, "box", "b", "shut")
    post(call, "add", "b", 1)
    deliver(call)
    assert came_back(call) == ("not_running", 2)


def test_what_nobody_hears_of_goes_to_dead_letter(
    call: Call, connection: psycopg.Connection
) -> None:
    send(call, "desk", "d", "tell", {"to": "nobody", "n": 7})
    deliver(call)
    rows = connection.execute(
        "select kind, machine, id, name, event, error ->> 'id', error ->> 'sqlstate'"
        " from pawl.dead_letter"
    ).fetchall()
    event = {"type": "add", "n": 7}
    assert rows == [("message", "desk", "d", "box", event, "nobody", "PT404")]


def test_a_dead_message_that_is_retried_arrives_where_it_was_sent(
    call: Call, connection: psycopg.Connection
) -> None:
    send(call, "desk", "d", "tell", {"to": "later", "n": 7})
    deliver(call)
    connection.execute("select create_instance('box', 'later')")
    connection.execute("select pawl.retry_dead(dead_id) from pawl.dead_letter")
    assert call("select count(*) from pawl.dead_letter") == 0
    deliver(call)
    assert call("select seq from pawl_box.instance where id = 'later'") == 2


def test_a_sender_that_is_done_is_told_nothing(call: Call) -> None:
    post(call, "add", "nobody", 1)
    send(call, "desk", "d", "close")
    assert deliver(call) == 2
    assert came_back(call) == (None, 0)


def test_a_paused_receiver_gets_its_messages_later_in_order(call: Call) -> None:
    call("select pause_instance('box', 'b')")
    for n in range(3):
        post(call, "add", "b", n)
    deliver(call)
    assert call("select max(attempts) from pawl.message") == 0
    assert call("select count(*) from pawl.message") == 3
    call("select resume_instance('box', 'b')")
    assert deliver(call) == 0, "the first one waits, and holds up the others"
    call("select pawl.advance_clock('5 s')")
    deliver(call)
    assert got(call) == [0, 1, 2]


def test_one_pair_does_not_hold_up_another(call: Call) -> None:
    call("select create_instance('box', 'c')")
    call("select pause_instance('box', 'b')")
    post(call, "add", "b", 1)
    post(call, "add", "c", 2)
    deliver(call)
    assert got(call, "c") == [2]


def test_a_failing_transition_is_tried_again_and_at_last_told(call: Call) -> None:
    post(call, "divide", "b")
    post(call, "add", "b", 1)
    for _ in range(9):
        deliver(call)
        call("select pawl.advance_clock('6 minutes')")
    assert (came_back(call), got(call)) == ((None, 0), [])
    assert call("select last_error from pawl.message where attempts > 0") == "division by zero"
    deliver(call)
    assert (came_back(call), got(call)) == (("expression_failed", 1), [1])


def test_a_delayed_message_is_sent_when_it_is_due(call: Call) -> None:
    send(call, "desk", "d", "later", {"to": "b"})
    seq = call("select seq from pawl_desk.instance")
    call("select pawl.advance_clock('1 hour')")
    assert call("select pawl.fire_due_timers()") == 1
    deliver(call)
    assert got(call) == [9]
    assert call("select jsonb_build_array(timers, seq) from pawl_desk.instance") == [{}, seq]


@pytest.mark.parametrize("end", ["leave", "close"])
def test_a_delayed_message_that_was_taken_back_is_not_sent(call: Call, end: str) -> None:
    send(call, "desk", "d", "later", {"to": "b"})
    send(call, "desk", "d", end)
    call("select pawl.advance_clock('1 hour')")
    assert call("select pawl.fire_due_timers()") == 1
    assert call("select count(*) from pawl.message") == 0


def test_a_paused_sender_keeps_its_delayed_message(call: Call) -> None:
    send(call, "desk", "d", "later", {"to": "b"})
    call("select pause_instance('desk', 'd')")
    call("select pawl.advance_clock('1 hour')")
    call("select pawl.fire_due_timers()")
    assert call("select count(*) from pawl.message") == 0
    call("select resume_instance('desk', 'd')")
    call("select pawl.advance_clock('5 s')")
    call("select pawl.fire_due_timers()")
    assert call("select count(*) from pawl.message") == 1


def test_two_deliverers_do_not_wait_for_each_other_nor_deliver_twice(dsn: str, call: Call) -> None:
    call("select create_instance('box', 'c')")
    post(call, "add", "b", 1)
    post(call, "add", "b", 2)
    with psycopg.connect(dsn) as other:
        assert call_on(other)("select pawl.deliver_messages()") == 2
        post(call, "add", "c", 3)
        assert deliver(call) == 1
        other.rollback()
    deliver(call)
    assert (got(call), got(call, "c")) == ([1, 2], [3])


def test_an_erased_sender_leaves_no_message(call: Call) -> None:
    post(call, "add", "b", 1)
    call("select erase_instance('desk', 'd')")
    assert call("select count(*) from pawl.message") == 0


def test_a_message_for_an_erased_instance_comes_back_to_its_sender(call: Call) -> None:
    post(call, "add", "b", 1)
    call("select erase_instance('box', 'b')")
    deliver(call)
    assert call("select count(*) from pawl.message") == 0
    told = "select count(*) from pawl.journal where event ->> 'type' = 'error.send.add'"
    assert call(told) == 1


def test_many_deliverers_keep_every_pair_in_order(dsn: str, call: Call) -> None:
    for box in "xyz":
        call("select create_instance('box', %s)", box)
    for n in range(30):
        for box in "xyz":
            post(call, "add", box, n)

    def work(_: int) -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            while call_on(connection)("select count(*) from pawl.message"):
                connection.execute("select pawl.deliver_messages(7)")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert [got(call, box) for box in "xyz"] == [[*range(30)]] * 3


# --- in one transaction -------------------------------------------------------------------------

ORDER = """\
machine: m_order
version: 1
context: { courier: text }
input: [courier]
events: { assign: { courier: text not null }, finish: {} }
authorize: { create: true, read: true, send: { "*": true } }
initial: waiting
states:
  waiting:
    on:
      assign:
        target: assigned
        assign: { courier: event.courier }
        actions:
          send:
            event: take
            to: { machine: courier, id: context.courier }
            data: { order: self.id }
            atomic: true
  assigned:
    on:
      finish:
        target: finished
        actions:
          send: { event: free, to: { machine: courier, id: context.courier }, atomic: true }
  finished: { type: final }
"""
COURIER = """\
machine: courier
version: 1
context: { order_id: text, taken: int not null default 0 }
events: { take: { order: text not null }, free: {} }
authorize:
  create: true
  send:
    take: sender.machine = $$m_order$$ and sender.id = event.order
    free: sender.machine = $$m_order$$ and sender.id = context.order_id
initial: free
states:
  free:
    on:
      take: { target: busy, assign: { order_id: event.order, taken: context.taken + 1 } }
  busy:
    on: { free: { target: free, assign: { order_id: null } } }
"""
"""A courier has one active order at most. `courier` sorts before `m_order`, so the courier is
locked against the order of locks, and is not waited for."""


def test_a_refusal_of_the_receiver_refuses_the_event(dsn: str, cast: Cast) -> None:
    with ExitStack() as stack:
        owner = stack.enter_context(psycopg.connect(dsn, autocommit=True))
        call = stack.enter_context(client(dsn, cast, sub="ann"))
        call("select create_instance('m_order', 'o-1')")
        call("select create_instance('m_order', 'o-2')")
        call("select create_instance('courier', 'carl')")
        send(call, "m_order", "o-1", "assign", {"courier": "carl"})
        with unchanged(owner), refuses("not_accepted", NotAccepted) as refused:
            send(call, "m_order", "o-2", "assign", {"courier": "carl"})
        assert refused.value.detail["machine"] == "courier"
        with unchanged(owner), refuses("not_found", NotFound):
            send(call, "m_order", "o-2", "assign", {"courier": "nobody"})
        with unchanged(owner), refuses("denied", Denied):
            send(call, "courier", "carl", "free")
        send(call, "m_order", "o-1", "finish")
        send(call, "m_order", "o-2", "assign", {"courier": "carl"})
        row = "select jsonb_build_array(state, order_id, taken) from pawl_courier.instance"
        assert call_on(owner)(row) == [["busy"], "o-2", 2]


def test_a_simulation_tells_messages_to_trusted_callers_only(dsn: str, cast: Cast) -> None:
    simulate = 'select simulate_event(\'m_order\', \'dry\', \'{"type": "assign", "courier": "x"}\')'
    with psycopg.connect(dsn, autocommit=True) as owner:
        call_on(owner)("select create_instance('m_order', 'dry', '{\"courier\": null}')")
        (message,) = call_on(owner)(simulate)["messages"]
        assert (message["machine"], message["id"]) == ("courier", "x")
    with client(dsn, cast, sub="ann") as end_user:
        assert "messages" not in end_user(simulate)


def test_a_receiver_that_sorts_before_the_sender_is_not_waited_for(dsn: str, cast: Cast) -> None:
    with ExitStack() as stack:
        other = stack.enter_context(psycopg.connect(dsn))
        call = stack.enter_context(client(dsn, cast, sub="ann"))
        call("select create_instance('m_order', 'busy')")
        call("select create_instance('courier', 'held')")
        other.execute("select pawl.route_lock('courier', 'held')")
        with refuses("receiver_busy", Conflict) as busy:
            send(call, "m_order", "busy", "assign", {"courier": "held"})
        assert busy.value.sqlstate == "40001"


def test_an_atomic_receiver_that_is_busy_is_no_failure(call: Call, dsn: str) -> None:
    call("select create_instance('m_order', 'o')")
    call("select create_instance('courier', 'kim')")
    assign = {"type": "assign", "courier": "kim"}
    call(
        "insert into pawl.message"
        " (sender_iid, sender_seq, due_at, sender_machine, sender_id, kin, machine, id, event)"
        " values (1, 1, pawl.now(), 'desk', 'd', true, 'm_order', 'o', %s) returning 1",
        json.dumps(assign),
    )
    with psycopg.connect(dsn) as other:
        other.execute("select pawl.route_lock('courier', 'kim')")
        for _ in range(12):
            assert call("select pawl.deliver_messages()") == 1
            call("select pawl.advance_clock('1 s')")
    assert call("select max(attempts) from pawl.message") == 0
    deliver(call)
    assert call("select state from pawl_m_order.instance where id = 'o'") == ["assigned"]


def test_fifty_clients_never_give_a_courier_two_active_orders(dsn: str) -> None:
    couriers = [f"c-{n}" for n in range(5)]
    with Client(dsn) as pawl:
        for courier in couriers:
            pawl.create("courier", courier)
        for number in range(50):
            pawl.create("m_order", f"p-{number}")

    def deliver_one(number: int) -> bool:
        """Find a courier for an order and finish it half of the time."""
        chosen = random.Random(number)
        with Client(dsn) as pawl:
            for courier in chosen.sample(couriers, len(couriers)):
                try:
                    pawl.send("m_order", f"p-{number}", {"type": "assign", "courier": courier})
                except Conflict:
                    continue
                if chosen.random() < 0.5:
                    _until_taken(pawl, f"p-{number}")
                return True
        return False

    with ThreadPoolExecutor(50) as pool:
        assigned = sum(pool.map(deliver_one, range(50)))
    with psycopg.connect(dsn) as connection:
        active = connection.execute(
            "select o.courier, count(*), min(o.id) from pawl_m_order.instance as o"
            " where o.state = '{assigned}' and o.id like 'p-%' group by o.courier"
        ).fetchall()
        busy = connection.execute(
            "select id, 1, order_id from pawl_courier.instance"
            " where state = '{busy}' and id like 'c-%'"
        ).fetchall()
        taken = connection.execute(
            "select sum(taken) from pawl_courier.instance where id like 'c-%'"
        ).fetchone()
    assert sorted(active) == sorted(busy), "each has one order at most, and they agree"
    assert taken == (assigned,)
    assert assigned >= len(couriers)


def _until_taken(pawl: Client, order: str) -> None:
    """Finish an order; while its courier is busy, again."""
    while True:
        try:
            pawl.send("m_order", order, "finish")
        except Conflict:
            continue
        return
