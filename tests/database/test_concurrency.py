"""Many connections at once: nothing is lost, nothing applied twice, nothing deadlocks.

What must overlap is made to: a session is waited for until `pg_stat_activity` shows it waiting.
"""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

from pawl.errors import AlreadyExists, NotAccepted, PawlError, SeqMismatch
from tests.database.calls import Call, call_on, refuses, wait_until_blocked
from tests.database.order import (
    COUNTER,
    Cast,
    admit,
    create_order,
    deploy_order,
    deploy_text,
    send,
)

NAP = """\
machine: nap
version: 1
context: { naps: int not null default 0 }
events: { sleep: {} }
authorize: { create: true, read: true, send: { sleep: true } }
initial: awake
states:
  awake:
    on: { sleep: asleep }
  asleep:
    after: { 1 hour: { target: awake, assign: { naps: context.naps + 1 } } }
"""


@pytest.fixture(scope="module")
def dsn(module_database: str, cast: Cast) -> str:
    with psycopg.connect(module_database, autocommit=True) as connection:
        deploy_order(connection)
        for text in (COUNTER, COUNTER.replace("machine: counter", "machine: abacus"), NAP):
            deploy_text(connection, text)
        admit(connection, cast)
    return module_database


@pytest.fixture(scope="module")
def admin(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def call(admin: psycopg.Connection) -> Call:
    return call_on(admin)


Work = Callable[[Call, int], Any]


def at_once(dsn: str, sessions: int, work: Work) -> list[Any]:
    """Run `work(call, number)` in that many sessions at once; a refusal is a result too."""
    barrier = threading.Barrier(sessions)
    with ExitStack() as stack, ThreadPoolExecutor(sessions) as pool:
        opened = [
            stack.enter_context(psycopg.connect(dsn, autocommit=True)) for _ in range(sessions)
        ]

        def run(number: int) -> Any:
            barrier.wait()
            try:
                return work(call_on(opened[number]), number)
            except PawlError as error:
                return error

        return list(pool.map(run, range(sessions)))


def refused(results: Sequence[Any]) -> Counter[str]:
    """How often each error came back."""
    return Counter(f"{r.sqlstate} {r.code}" for r in results if isinstance(r, PawlError))


def journal(call: Call, machine: str, id: str) -> list[int]:
    return call("select array_agg(seq order by seq) from history(%s, %s)", machine, id)


def value(call: Call, machine: str, id: str) -> int:
    reply = call("select get_instance(%s, %s)", machine, id)
    return int(reply["context"]["n"])


# --- senders -----------------------------------------------------------------------------------


def test_fifty_senders_to_one_instance_are_applied_one_by_one(dsn: str, call: Call) -> None:
    call("select create_instance('counter', 'one')")

    def add(own: Call, number: int) -> list[int]:
        return [int(send(own, "counter", "one", "add", {"by": number})["seq"]) for _ in range(4)]

    replies = at_once(dsn, 50, add)
    assert refused(replies) == {}
    assert sorted(seq for mine in replies for seq in mine) == list(range(2, 202))
    assert all(mine == sorted(mine) for mine in replies), "a sender's events keep their order"
    assert value(call, "counter", "one") == 4 * sum(range(50))
    assert journal(call, "counter", "one") == list(range(1, 202))
    assert call("select seq from pawl_counter.instance where id = 'one'") == 201


def test_fifty_senders_to_a_hundred_instances_lose_nothing(dsn: str, call: Call) -> None:
    ids = [f"many-{number}" for number in range(100)]
    call("select count(create_instance('counter', i)) from unnest(%s::text[]) as i", ids)
    plans = [random.Random(number).choices(ids, k=10) for number in range(50)]

    def add(own: Call, number: int) -> None:
        for id in plans[number]:
            send(own, "counter", id, "add")

    assert refused(at_once(dsn, 50, add)) == {}
    expected = Counter(id for plan in plans for id in plan)
    rows = call(
        "select jsonb_object_agg(i.id, array[i.n, i.seq, (select count(*) from pawl.journal as j"
        " where j.machine = 'counter' and j.iid = i.iid)])"
        " from pawl_counter.instance as i where i.id like 'many-%%'"
    )
    assert rows == {id: [expected[id], expected[id] + 1, expected[id] + 1] for id in ids}


@pytest.mark.smoke
def test_one_event_id_from_twenty_sessions_is_applied_once(dsn: str, call: Call) -> None:
    call("select create_instance('counter', 'once')")

    def add(own: Call, number: int) -> dict[str, Any]:
        return send(own, "counter", "once", "add", {"by": 7}, event_id="k")

    replies = at_once(dsn, 20, add)
    assert refused(replies) == {}
    assert all(reply == replies[0] for reply in replies)
    assert value(call, "counter", "once") == 7
    assert journal(call, "counter", "once") == [1, 2]


def test_of_different_events_under_one_event_id_one_is_applied(dsn: str, call: Call) -> None:
    call("select create_instance('counter', 'mixed')")

    def add(own: Call, number: int) -> dict[str, Any]:
        return send(own, "counter", "mixed", "add", {"by": number + 1}, event_id="k")

    replies = at_once(dsn, 10, add)
    assert refused(replies) == {"PT409 event_id_reused": 9}
    won = next(number + 1 for number, r in enumerate(replies) if not isinstance(r, PawlError))
    assert value(call, "counter", "mixed") == won
    assert journal(call, "counter", "mixed") == [1, 2]


def test_of_ten_who_expect_the_same_seq_one_is_served(dsn: str, call: Call) -> None:
    call("select create_instance('counter', 'expected')")

    def add(own: Call, number: int) -> dict[str, Any]:
        return send(own, "counter", "expected", "add", expected_seq=1)

    assert refused(at_once(dsn, 10, add)) == {"PT409 seq_mismatch": 9}
    assert journal(call, "counter", "expected") == [1, 2]


def test_serializable_senders_are_applied_or_told_to_retry(dsn: str, call: Call) -> None:
    call("select create_instance('counter', 'strict')")

    def add(own: Call, number: int) -> None:
        own("set default_transaction_isolation = 'serializable'")
        send(own, "counter", "strict", "add")

    results = at_once(dsn, 20, add)
    assert set(refused(results)) <= {"40001 database_error"}
    applied = results.count(None)
    assert applied >= 1
    assert value(call, "counter", "strict") == applied
    assert journal(call, "counter", "strict") == list(range(1, applied + 2))


# --- batches -----------------------------------------------------------------------------------


def test_batches_over_the_same_instances_in_any_order_never_deadlock(dsn: str, call: Call) -> None:
    targets = [(machine, f"batch-{n}") for machine in ("counter", "abacus") for n in range(6)]
    for machine, id in targets:
        call("select create_instance(%s, %s)", machine, id)
    plans = [
        [random.Random(100 * session + turn).sample(targets, k=8) for turn in range(6)]
        for session in range(12)
    ]

    def add(own: Call, session: int) -> None:
        for plan in plans[session]:
            items = [{"machine": m, "id": i, "event": {"type": "add"}} for m, i in plan]
            replies = own("select send_events(%s)", json.dumps(items))
            assert [(reply["machine"], reply["id"]) for reply in replies] == plan

    assert refused(at_once(dsn, 12, add)) == {}
    expected = Counter(target for plan in plans for turn in plan for target in turn)
    for machine, id in targets:
        assert value(call, machine, id) == expected[machine, id]
        assert journal(call, machine, id) == list(range(1, expected[machine, id] + 2))


def test_batches_that_fail_leave_nothing_while_others_go_through(dsn: str, call: Call) -> None:
    for id in ("good-1", "good-2"):
        call("select create_instance('counter', %s)", id)
    add: dict[str, Any] = {"machine": "counter", "event": {"type": "add"}}
    items = [{**add, "id": "good-2"}, {**add, "id": "good-1"}]
    bad = {"machine": "counter", "id": "good-1", "event": {"type": "add", "by": "x"}}

    def batch(own: Call, session: int) -> None:
        own("select send_events(%s)", json.dumps([*items, bad] if session % 2 else items[::-1]))

    assert refused(at_once(dsn, 10, batch)) == {"PT400 malformed_payload": 5}
    assert [value(call, "counter", id) for id in ("good-1", "good-2")] == [5, 5]


# --- creating ----------------------------------------------------------------------------------


@pytest.mark.smoke
def test_of_twenty_who_create_one_id_one_does(dsn: str, call: Call) -> None:
    results = at_once(dsn, 20, lambda own, _: create_order(own, "unique")["seq"])
    assert refused(results) == {"PT409 already_exists": 19}
    assert call("select count(*) from pawl_order.instance where id = 'unique'") == 1
    for table in ("timer", "outbox", "journal"):
        query = (
            f"select count(*) from pawl.{table} where machine = 'order' and iid ="
            " (select iid from pawl_order.instance where id = 'unique')"
        )
        assert call(query) == 1, table


def test_twenty_who_ensure_one_id_all_get_it(dsn: str, call: Call) -> None:
    def ensure(own: Call, number: int) -> dict[str, Any]:
        return own("select ensure_instance('counter', 'ensured')")

    replies = at_once(dsn, 20, ensure)
    assert refused(replies) == {}
    assert {(reply["id"], reply["seq"]) for reply in replies} == {("ensured", 1)}
    assert journal(call, "counter", "ensured") == [1]


@pytest.mark.parametrize("outcome", ["commit", "rollback"])
def test_who_creates_an_id_that_is_being_created_waits_for_the_outcome(
    dsn: str, call: Call, outcome: str
) -> None:
    with psycopg.connect(dsn) as first, psycopg.connect(dsn, autocommit=True) as second:
        create_order(call_on(first), outcome)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(create_order, call_on(second), outcome)
            wait_until_blocked(call, second.info.backend_pid)
            first.commit() if outcome == "commit" else first.rollback()
            if outcome == "commit":
                with refuses("already_exists", AlreadyExists):
                    waiting.result()
            else:
                assert waiting.result()["state"] == ["offered"]


# --- waiting for a row -------------------------------------------------------------------------


def test_a_sender_that_waited_sees_the_new_state(dsn: str, call: Call) -> None:
    create_order(call, "awaited")
    with psycopg.connect(dsn) as first, psycopg.connect(dsn, autocommit=True) as second:
        send(call_on(first), "order", "awaited", "accept", {"prep_minutes": 20})
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(
                send, call_on(second), "order", "awaited", "accept", {"prep_minutes": 5}
            )
            wait_until_blocked(call, second.info.backend_pid)
            first.commit()
            with refuses("not_accepted", NotAccepted) as caught:
                waiting.result()
        assert caught.value.detail["state"] == ["preparing"]
    assert call("select prep_minutes from pawl_order.instance where id = 'awaited'") == 20


def test_a_sender_that_waited_counts_from_the_new_seq(dsn: str, call: Call) -> None:
    call("select create_instance('counter', 'stale')")
    with psycopg.connect(dsn) as first, psycopg.connect(dsn, autocommit=True) as second:
        send(call_on(first), "counter", "stale", "add")
        with ThreadPoolExecutor(2) as pool:
            waiting = pool.submit(send, call_on(second), "counter", "stale", "add", expected_seq=1)
            wait_until_blocked(call, second.info.backend_pid)
            first.commit()
            with refuses("seq_mismatch", SeqMismatch) as caught:
                waiting.result()
        assert caught.value.detail["seq"] == 2


def test_a_lock_timeout_is_told_as_it_is_and_changes_nothing(dsn: str, call: Call) -> None:
    call("select create_instance('counter', 'held')")
    with psycopg.connect(dsn) as first, psycopg.connect(dsn, autocommit=True) as second:
        send(call_on(first), "counter", "held", "add")
        own = call_on(second)
        own("set lock_timeout = '20 ms'")
        with pytest.raises(PawlError) as caught:
            send(own, "counter", "held", "add")
        assert caught.value.sqlstate == "55P03"
        first.rollback()
    assert journal(call, "counter", "held") == [1]


def test_whose_instance_was_erased_while_it_waited_finds_nothing(dsn: str, call: Call) -> None:
    call("select create_instance('counter', 'gone')")
    with psycopg.connect(dsn) as first, psycopg.connect(dsn, autocommit=True) as second:
        call_on(first)("select erase_instance('counter', 'gone')")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(send, call_on(second), "counter", "gone", "add")
            wait_until_blocked(call, second.info.backend_pid)
            first.commit()
            with pytest.raises(PawlError, match="does not exist"):
                waiting.result()


# --- timers, and everything at once ------------------------------------------------------------


def fire_all(own: Call, _: int = 0) -> int:
    """Fire due timers until none is left; how many fired."""
    fired = 0
    while own("select exists (select from pawl.timer where due_at <= pawl.now())"):
        fired += own("select pawl.fire_due_timers(5)")
    return fired


def test_two_sessions_fire_each_timer_once(dsn: str, call: Call) -> None:
    ids = [f"nap-{number}" for number in range(40)]
    call("select count(create_instance('nap', i)) from unnest(%s::text[]) as i", ids)
    for id in ids:
        send(call, "nap", id, "sleep")
    call("select pawl.advance_clock('2 hours')")
    try:
        fired = at_once(dsn, 2, fire_all)
    finally:
        call("select pawl.reset_clock()")
    assert refused(fired) == {}
    naps = call("select array_agg(distinct naps) from pawl_nap.instance where id like 'nap-%%'")
    assert naps == [1]
    assert call("select array_agg(distinct seq) from pawl_nap.instance") == [3]
    events = call(
        "select count(*) from pawl.journal"
        " where machine = 'nap' and event ->> 'type' like 'after%%'"
    )
    assert events == 40


def test_a_timer_whose_instance_is_held_waits_for_the_next_round(dsn: str, call: Call) -> None:
    call("select create_instance('nap', 'busy')")
    send(call, "nap", "busy", "sleep")
    call("select pawl.advance_clock('2 hours')")
    try:
        with psycopg.connect(dsn) as holder:
            holder.execute("select from pawl_nap.instance where id = 'busy' for update")
            assert call("select pawl.fire_due_timers(5)") == 0
        assert call("select get_instance('nap', 'busy')")["state"] == ["asleep"]
        assert call("select pawl.fire_due_timers(5)") == 1
    finally:
        call("select pawl.reset_clock()")
    assert call("select get_instance('nap', 'busy')")["state"] == ["awake"]


def test_workers_who_find_the_same_effects_pointless_settle_each_once(dsn: str, call: Call) -> None:
    ids = [f"pointless-{number}" for number in range(30)]
    for id in ids:
        create_order(call, id)
        send(call, "order", id, "reject", {"reason": "no"})

    def claim(own: Call, number: int) -> None:
        for _ in range(20):
            own("select count(*) from pawl.claim_effects('w', null, 4)")

    assert refused(at_once(dsn, 8, claim)) == {}
    outcomes = call(
        "select array_agg(distinct r.outcome) from pawl.outbox as o"
        " join pawl.effect_result as r using (effect_id) where o.id like 'pointless-%%'"
    )
    assert outcomes == ["void"]


def busy(number: int, ids: list[str]) -> Callable[[Call], None]:
    """What one session does in the storm: orders, batches, timers, effects, as chance has it."""
    chance = random.Random(number)
    events: list[dict[str, object]] = [
        {"type": "accept", "prep_minutes": 1},
        {"type": "reject", "reason": "no"},
        {"type": "courier.accept"},
        {"type": "courier.decline"},
        {"type": "complete"},
    ]

    def turn(own: Call) -> None:
        match chance.randrange(4):
            case 0:
                own("select pawl.fire_due_timers(3)")
            case 1:
                own(
                    "select count(pawl.complete_effect(effect_id, token,"
                    ' \'{"courier_id": "00000000-0000-0000-0000-000000000003"}\'))'
                    " from pawl.claim_effects('w', null, 3, '1 hour')"
                )
            case 2:
                chosen = chance.sample(ids, k=3)
                items = [
                    {"machine": "order", "id": i, "event": chance.choice(events)} for i in chosen
                ]
                own("select send_events(%s)", json.dumps(items))
            case _:
                event = json.dumps(chance.choice(events))
                own("select send_event('order', %s, %s)", chance.choice(ids), event)

    return turn


def test_in_a_storm_every_row_stays_the_sum_of_its_journal(dsn: str, call: Call) -> None:
    ids = [f"storm-{number}" for number in range(8)]
    for id in ids:
        create_order(call, id)
    call("select pawl.advance_clock('3 hours')")

    def rage(own: Call, number: int) -> Counter[str]:
        turn, seen = busy(number, ids), Counter[str]()
        for _ in range(25):
            try:
                turn(own)
                seen["applied"] += 1
            except PawlError as error:
                seen[f"{error.sqlstate} {error.code}"] += 1
        return seen

    try:
        seen = sum(at_once(dsn, 10, rage), Counter[str]())
    finally:
        call("select pawl.reset_clock()")
    assert set(seen) <= {"applied", "PT409 not_accepted", "PT409 not_running"}, seen
    assert seen["applied"] > 20
    torn = call(
        "select array_agg(i.id) from pawl_order.instance as i where i.id like 'storm-%%' and"
        " (select array_agg(j.seq order by j.seq) = array(select generate_series(1, i.seq))"
        "    and (array_agg(j.state order by j.seq desc))[1:1] = array[i.state]"
        "  from pawl.journal as j where j.machine = 'order' and j.iid = i.iid) is not true"
    )
    assert torn is None


# --- deploys -----------------------------------------------------------------------------------


def test_senders_do_not_notice_a_deploy(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        deploy_text(connection, COUNTER)
        call = call_on(connection)
        for number in range(4):
            call("select create_instance('counter', %s)", str(number))
        over = threading.Event()

        def add(own: Call, number: int) -> int:
            sent = 0
            while not over.is_set():
                send(own, "counter", str(number), "add")
                sent += 1
            return sent

        with ThreadPoolExecutor(1) as pool:
            senders = pool.submit(at_once, database, 4, add)
            for version in (2, 3, 4):
                newer = COUNTER.replace("version: 1", f"version: {version}").replace(
                    "  last: text",
                    "  last: text" + "".join(f"\n  more_{n}: int" for n in range(version)),
                )
                deploy_text(connection, newer)
                while not call("select min(seq) > %s from pawl_counter.instance", 5 * version):
                    assert not senders.done()
            over.set()
            sent = senders.result()
        assert refused(sent) == {}
        for number, count in enumerate(sent):
            assert value(call, "counter", str(number)) == count
            assert journal(call, "counter", str(number)) == list(range(1, count + 2))


def test_a_failed_statement_takes_back_what_the_same_transaction_sent(dsn: str, call: Call) -> None:
    call("select create_instance('counter', 'torn')")
    with psycopg.connect(dsn) as first:
        own = call_on(first)
        send(own, "counter", "torn", "add", event_id="k")
        with pytest.raises(psycopg.Error), first.transaction():
            first.execute("select 1 / 0")
        first.rollback()
    assert value(call, "counter", "torn") == 0
    send(call, "counter", "torn", "add", event_id="k")
    assert value(call, "counter", "torn") == 1
