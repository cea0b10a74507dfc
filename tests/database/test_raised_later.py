"""Delayed raises in the database: who survives what, who is asked, what fails and comes again."""

from __future__ import annotations

import json

import psycopg
import pytest

from pawl.errors import Denied, ExpressionFailed, NotAccepted
from tests.database.calls import Call, call_on, refuses
from tests.database.order import Cast, admit, client, contents, deploy_text, refusal_in, send

BILL = """\
machine: bill
version: 1
context:
  total: numeric(10,2) not null default 12.5
  seen: numeric(10,2)
  parts: int not null default 1
  wait: interval default '1 day'
events:
  issue: {}
  post: {}
  raise_price: {}
  pay: {}
  nudge: { by: int not null }
  remind:
    total: numeric(10,2) not null
    since: timestamptz not null
authorize:
  create: true
  read: true
  send:
    issue, post, raise_price, pay: true
    nudge: event.by > 5
delays:
  patience: context.wait
initial: draft
states:
  draft:
    on: { issue: issued }
  issued:
    entry:
      - raise:
          event: remind
          data: { total: context.total, since: now }
          delay: patience
          id: reminder
      - raise: { event: nudge, data: { by: 1 }, delay: 1 hour }
    after: { 30 days: draft }
    on:
      post: posted
      raise_price: { assign: { total: 99 } }
      pay: { target: paid, actions: { cancel: reminder } }
  posted:
    on:
      issue: issued
      raise_price: { assign: { total: 99 } }
      remind: { assign: { seen: event.total / context.parts } }
      nudge: { actions: { log: event.by } }
      pay: { target: paid, actions: { cancel: reminder } }
  paid:
    on: { issue: issued }
"""


@pytest.fixture
def bill(connection: psycopg.Connection) -> Call:
    """A bill called `b`, issued at a time that stands still."""
    deploy_text(connection, BILL)
    call = call_on(connection)
    call("select pawl.set_clock('2030-01-01 00:00+00')")
    call("select create_instance('bill', 'b')")
    send(call, "bill", "b", "issue")
    return call


def fire(call: Call) -> int:
    return call("select pawl.fire_due_timers()")


def wait(call: Call, interval: str) -> int:
    """Let time pass, and fire what is due."""
    call("select pawl.advance_clock(%s)", interval)
    return fire(call)


def row(call: Call, column: str) -> object:
    return call(f"select {column} from pawl_bill.instance")


@pytest.mark.smoke
def test_what_is_raised_later_comes_in_whatever_state(bill: Call) -> None:
    assert row(bill, "timers") == {"after.30 days.issued": 2, "raise reminder": 2, "raise.2.1": 2}
    assert bill("select event from pawl.timer where name = 'raise reminder'") == {
        "type": "remind",
        "total": 12.50,
        "since": "2030-01-01T00:00:00+00:00",
    }
    send(bill, "bill", "b", "post")
    send(bill, "bill", "b", "raise_price")
    assert row(bill, "timers") == {"raise reminder": 2, "raise.2.1": 2}
    assert wait(bill, "1 hour") == 1
    assert wait(bill, "1 day") == 1
    assert row(bill, "array[seen, total]::text") == "{12.50,99.00}", "what it was when raised"
    assert row(bill, "timers") == {}
    assert bill("select count(*) from pawl.timer") == 1, "of the state, which was left"


def test_the_journal_tells_which_timer_it_was(bill: Call) -> None:
    send(bill, "bill", "b", "post")
    wait(bill, "1 day")
    entries = (
        "select array_agg(concat_ws(' from ', event ->> 'type', source) order by seq) "
        "from pawl.journal where machine = 'bill'"
    )
    assert bill(entries) == [
        "pawl.init",
        "issue",
        "post",
        "nudge from raise.2.1",
        "remind from raise reminder",
    ]


def test_the_journal_leads_to_the_same_row(bill: Call) -> None:
    send(bill, "bill", "b", "post")
    wait(bill, "1 day")
    send(bill, "bill", "b", "pay")
    row_now = "select to_jsonb(i) from pawl_bill.instance as i"
    again = bill(row_now) | {"state": None, "seq": 0, "timers": {}, "seen": None}
    step = (
        "select to_jsonb(pawl_bill.v1_reduce(jsonb_populate_record("
        "null::pawl_bill.instance, %s), %s, %s, %s, null)) -> 'p_instance'"
    )
    journal = "select jsonb_agg(to_jsonb(j) order by seq) from pawl.journal as j"
    times = ["2030-01-01 00:00+00"] * 3 + ["2030-01-02 00:00+00"] * 3
    for entry, now in zip(bill(journal), times, strict=True):
        event = None if entry["seq"] == 1 else json.dumps(entry["event"])
        again = bill(step, json.dumps(again), event, entry["source"], now)
    assert again == bill(row_now)


def test_nobody_is_asked_whether_it_may_come(
    connection: psycopg.Connection, database: str, cast: Cast
) -> None:
    deploy_text(connection, BILL)
    admit(connection, cast)
    call = call_on(connection)
    call("select pawl.set_clock('2030-01-01 00:00+00')")
    with client(database, cast, sub="x") as user:
        user("select create_instance('bill', 'b')")
        send(user, "bill", "b", "issue")
        send(user, "bill", "b", "post")
        with refuses("denied", Denied):
            send(user, "bill", "b", "nudge", {"by": 1})
    assert wait(call, "1 hour") == 1
    assert call("select log from pawl.journal order by seq desc limit 1") == ["1"]


LOUD = """\
machine: loud
version: 1
events:
  go: {}
  nudge: { by: int not null }
authorize: { create: true, read: true, send: { go: true, nudge: event.by > 5 } }
initial: a
states:
  a:
    entry: { raise: { event: nudge, data: { by: 2 } } }
    on:
      go: { actions: { raise: { event: nudge, data: { by: 1 } } } }
      nudge: { actions: { log: event.by } }
"""


def test_nobody_is_asked_about_what_a_sender_makes_it_raise_at_once(
    connection: psycopg.Connection, database: str, cast: Cast
) -> None:
    deploy_text(connection, LOUD)
    admit(connection, cast)
    with client(database, cast, sub="x") as user:
        user("select create_instance('loud', 'l')")
        send(user, "loud", "l", "go")
        send(user, "loud", "l", "nudge", {"by": 6})
        with refuses("denied", Denied):
            send(user, "loud", "l", "nudge", {"by": 1})
    logs = call_on(connection)("select jsonb_agg(log order by seq) from pawl.journal")
    assert logs == [["2"], ["1"], ["6"]]


def test_a_strict_machine_refuses_it_from_a_caller_only(bill: Call) -> None:
    with refuses("not_accepted", NotAccepted):
        send(bill, "bill", "b", "remind", {"total": 1, "since": "2030-01-01"})
    assert wait(bill, "1 day") == 2
    assert row(bill, "state") == ["issued"]
    assert row(bill, "timers") == {"after.30 days.issued": 2}


def test_what_is_cancelled_is_consumed_in_silence(bill: Call) -> None:
    send(bill, "bill", "b", "pay")
    assert row(bill, "timers") == {"raise.2.1": 2}
    assert row(bill, "seq") == 3
    assert wait(bill, "1 hour") == 1
    assert wait(bill, "1 day") == 1
    assert row(bill, "seq") == 4, "the one that was not cancelled"
    assert row(bill, "seen") is None


def test_the_same_id_again_voids_the_first(bill: Call) -> None:
    send(bill, "bill", "b", "post")
    assert wait(bill, "12 hours") == 1, "the nudge"
    send(bill, "bill", "b", "issue")
    send(bill, "bill", "b", "post")
    assert wait(bill, "12 hours") == 2, "the first reminder, and the second nudge"
    assert row(bill, "seen") is None
    assert row(bill, "timers") == {"raise reminder": 5}
    assert wait(bill, "12 hours") == 1
    assert row(bill, "seen") is not None


def test_one_that_fails_backs_off_with_its_payload(bill: Call) -> None:
    send(bill, "bill", "b", "post")
    bill("update pawl_bill.instance set parts = 0")
    wait(bill, "1 hour")
    assert wait(bill, "1 day") == 1
    assert bill("select last_error from pawl.timer where attempts = 1") == "division by zero"
    assert row(bill, "timers") == {"raise reminder": 2}
    assert fire(bill) == 0, "it backs off"
    bill("update pawl_bill.instance set parts = 5")
    assert wait(bill, "5 s") == 1
    assert row(bill, "seen::text") == "2.50"


def test_one_that_always_fails_goes_to_dead_letter_with_its_payload(bill: Call) -> None:
    send(bill, "bill", "b", "post")
    bill("update pawl_bill.instance set parts = 0")
    wait(bill, "1 day")
    for _ in range(9):
        assert wait(bill, "6 minutes") == 1
    assert wait(bill, "6 minutes") == 0
    dead = bill("select to_jsonb(d) from pawl.dead_letter as d")
    assert (dead["kind"], dead["name"], dead["attempts"]) == ("timer", "raise reminder", 10)
    assert dead["event"]["type"] == "remind"
    assert dead["event"]["total"] == 12.5
    assert dead["error"]["message"] == "division by zero"


def test_a_paused_instance_keeps_it_and_a_stopped_one_does_not(bill: Call) -> None:
    send(bill, "bill", "b", "post")
    bill("select pause_instance('bill', 'b')")
    assert wait(bill, "2 days") == 2
    assert bill("select sum(attempts) from pawl.timer") == 0
    bill("select resume_instance('bill', 'b')")
    assert wait(bill, "5 s") == 2
    assert row(bill, "seen") is not None
    bill("select create_instance('bill', 'c')")
    send(bill, "bill", "c", "issue")
    bill("select stop_instance('bill', 'c')")
    assert wait(bill, "2 days") == 2
    assert bill("select status || timers from pawl_bill.instance where id = 'c'") == "stopped{}"


def test_a_delay_that_is_null_is_refused_at_its_line(
    bill: Call, connection: psycopg.Connection
) -> None:
    bill("select create_instance('bill', 'c')")
    bill("update pawl_bill.instance set wait = null where id = 'c'")
    with refusal_in(connection)("expression_failed", ExpressionFailed) as caught:
        send(bill, "bill", "c", "issue")
    error = caught.value
    assert error.sqlstate == "22004"
    assert error.message == 'the delay of timer "raise reminder" is null'
    assert error.detail["source"] == "bill.machine.yaml:28"
    assert "12.5" not in str(error.detail)


def test_simulate_tells_it_and_writes_nothing(bill: Call, connection: psycopg.Connection) -> None:
    bill("select create_instance('bill', 'c')")
    before = contents(connection)
    told = bill("select simulate_event('bill', 'c', '{\"type\": \"issue\"}')")
    assert [timer["name"] for timer in told["timers"]] == [
        "raise reminder",
        "raise.2.1",
        "after.30 days.issued",
    ]
    assert told["timers"][1]["event"] == {"type": "nudge", "by": 1}
    assert contents(connection) == before
