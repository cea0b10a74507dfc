"""Child machines: created with their parent's transition, in touch with it, stopped with it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from pawl.errors import Denied
from tests.database.calls import Call, call_on, refuses
from tests.database.order import Cast, admit, client, deploy_text, send

PARENT = """\
machine: parent
version: 1
context: { n: int not null default 1, heard: int, result: jsonb, why: text }
events:
  begin: { n: int not null default 1 }
  add: {}
  leave: {}
  end: {}
  told: { n: int not null }
authorize: { create: true, send: { "begin, add, leave, end": true } }
initial: idle
states:
  idle:
    on:
      begin: { target: working, assign: { n: event.n } }
      end: ended
  working:
    invoke:
      machine: worker
      id: job
      input: { n: context.n }
      onDone: { target: idle, assign: { result: event.output } }
      onError: { target: idle, assign: { why: event.error.code } }
    on:
      add:
        actions:
          - send: { event: add, to: { invoke: job } }
      told: { assign: { heard: event.n } }
      leave: idle
      end: ended
  ended: { type: final }
"""
WORKER = """\
machine: worker
version: 1
context: { n: int not null check (n > 0) }
input: [n]
events: { add: {}, finish: {} }
authorize: {}
output: { n: context.n }
initial: choosing
states:
  choosing:
    always:
      - { guard: context.n > 100, target: finished }
      - busy
  busy:
    on:
      add:
        assign: { n: context.n + 1 }
        actions: { send: { event: told, to: parent, data: { n: context.n } } }
      finish: finished
  finished: { type: final }
"""
"""Has no rule: only a trusted caller and its own parent reach it."""

WATCHER = """\
machine: watcher
version: 1
context: { seen: "jsonb not null default '[]'" }
events: { begin: {}, look_away: {} }
authorize: { create: true, send: { "*": true } }
initial: idle
states:
  idle: { on: { begin: watching, look_away: working } }
  watching:
    invoke:
      machine: worker
      id: job
      input: { n: 1 }
      onSnapshot:
        assign: { seen: "context.seen || jsonb_build_array(event.snapshot->'context'->'n')" }
      onDone: { target: idle, assign: { seen: "context.seen || to_jsonb('done'::text)" } }
    on: { look_away: idle }
  working:
    invoke: { machine: worker, id: quiet, input: { n: 1 } }
"""
"""Hears of every macrostep of a worker, in one of its states."""


@pytest.fixture(scope="module")
def dsn(module_database: str, cast: Cast) -> str:
    with psycopg.connect(module_database, autocommit=True) as connection:
        admit(connection, cast)
        for text in (PARENT, WORKER, WATCHER):
            deploy_text(connection, text)
    return module_database


@pytest.fixture
def connection(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection
        for machine in ("parent", "worker", "watcher"):
            connection.execute(
                f"select erase_instance('{machine}', id) from pawl_{machine}.instance".encode()
            )
        connection.execute("delete from pawl.message")
        connection.execute("delete from pawl.child")


@pytest.fixture
def call(connection: psycopg.Connection) -> Call:
    """A parent `p` at work, whose child is `p/job/2`."""
    call = call_on(connection)
    call("select create_instance('parent', 'p')")
    send(call, "parent", "p", "begin")
    return call


def deliver(call: Call) -> None:
    while call("select pawl.deliver_messages()"):
        pass


def parent(call: Call, what: str) -> object:
    return call("select to_jsonb(i) -> %s from pawl_parent.instance as i where id = 'p'", what)


def children(call: Call) -> list[list[str]]:
    """The names of the workers and their status."""
    rows = "select jsonb_agg(jsonb_build_array(id, status) order by iid) from pawl_worker.instance"
    return call(rows) or []


@pytest.mark.smoke
def test_a_child_is_created_with_the_transition_and_its_output_comes_back(call: Call) -> None:
    assert children(call) == [["p/job/2", "running"]]
    send(call, "worker", "p/job/2", "finish")
    deliver(call)
    assert (parent(call, "state"), parent(call, "result")) == (["idle"], {"n": 1})
    assert call("select count(*) from pawl.child") == 0


def test_parent_and_child_send_to_each_other_without_a_rule(
    call: Call, dsn: str, cast: Cast
) -> None:
    send(call, "parent", "p", "add")
    deliver(call)
    assert parent(call, "heard") == 2
    with client(dsn, cast, sub="ann") as end_user:
        with refuses("denied", Denied):
            send(end_user, "worker", "p/job/2", "add")
        with refuses("denied", Denied):
            send(end_user, "parent", "p", "told", {"n": 1})


def test_a_client_creates_a_child_that_he_could_not_create_himself(
    call: Call, dsn: str, cast: Cast
) -> None:
    with client(dsn, cast, sub="ann") as end_user:
        with refuses("denied", Denied):
            end_user("select create_instance('worker', 'w', '{\"n\": 1}')")
        end_user("select create_instance('parent', 'q')")
        send(end_user, "parent", "q", "begin")
    assert children(call) == [["p/job/2", "running"], ["q/job/2", "running"]]


@pytest.mark.parametrize("event", ["leave", "end"])
def test_a_child_is_stopped_when_its_state_is_left(call: Call, event: str) -> None:
    send(call, "parent", "p", event)
    deliver(call)
    assert children(call) == [["p/job/2", "stopped"]]
    assert call("select count(*) from pawl.child") == 0


def test_the_result_of_a_child_that_was_left_is_not_heard(call: Call) -> None:
    send(call, "worker", "p/job/2", "finish")
    send(call, "parent", "p", "leave")
    send(call, "parent", "p", "begin")
    deliver(call)
    assert (parent(call, "state"), parent(call, "result")) == (["working"], None)
    assert children(call) == [["p/job/2", "done"], ["p/job/4", "running"]]


def test_a_child_that_cannot_be_created_is_an_error_event(call: Call) -> None:
    send(call, "parent", "p", "leave")
    send(call, "parent", "p", "begin", {"n": -1})
    deliver(call)
    assert (parent(call, "state"), parent(call, "why")) == (["idle"], "check_violated")


def test_a_child_that_ends_as_it_begins_is_done(call: Call) -> None:
    send(call, "parent", "p", "leave")
    send(call, "parent", "p", "begin", {"n": 101})
    deliver(call)
    assert (parent(call, "state"), parent(call, "result")) == (["idle"], {"n": 101})


def test_a_child_that_an_operator_stops_is_an_error_event(call: Call) -> None:
    call("select stop_instance('worker', 'p/job/2')")
    deliver(call)
    assert (parent(call, "state"), parent(call, "why")) == (["idle"], "stopped")


@pytest.mark.parametrize("how", ["stop_instance", "erase_instance"])
def test_a_parent_that_an_operator_ends_stops_its_children(call: Call, how: str) -> None:
    call(f"select {how}('parent', 'p')")
    deliver(call)
    assert children(call) == [["p/job/2", "stopped"]]


def test_a_child_that_is_erased_is_an_error_event_and_its_name_is_forgotten(call: Call) -> None:
    send(call, "worker", "p/job/2", "add")
    call("select erase_instance('worker', 'p/job/2')")
    deliver(call)
    assert (parent(call, "state"), parent(call, "why")) == (["idle"], "erased")
    assert parent(call, "heard") is None
    assert parent(call, "invokes") == {}
    assert call("select count(*) from pawl.child") == 0
    assert call("select count(*) from pawl.journal where event::text like '%p/job/2%'") == 0


def test_a_transition_that_is_rolled_back_creates_no_child(
    call: Call, connection: psycopg.Connection
) -> None:
    send(call, "parent", "p", "leave")
    with connection.transaction(force_rollback=True):
        send(call, "parent", "p", "begin")
    deliver(call)
    assert children(call) == [["p/job/2", "stopped"]]


def test_the_name_of_a_child_is_never_too_long(call: Call) -> None:
    long = "ä" * 127
    call("select create_instance('parent', %s)", long)
    send(call, "parent", long, "begin")
    assert len(children(call)[-1][0]) == 64


def watcher(call: Call, what: str) -> object:
    return call("select to_jsonb(i) -> %s from pawl_watcher.instance as i where id = 'w'", what)


def test_a_parent_that_observes_hears_of_every_macrostep_and_then_of_the_end(call: Call) -> None:
    call("select create_instance('watcher', 'w')")
    send(call, "watcher", "w", "begin")
    send(call, "worker", "w/job/2", "add")
    deliver(call)
    assert watcher(call, "seen") == [1, 2]
    send(call, "worker", "w/job/2", "add")
    send(call, "worker", "w/job/2", "finish")
    deliver(call)
    assert watcher(call, "seen") == [1, 2, 3, 3, "done"]
    assert watcher(call, "state") == ["idle"]


def test_snapshots_that_come_too_late_or_were_not_asked_for_are_not_heard(call: Call) -> None:
    call("select create_instance('watcher', 'w')")
    send(call, "watcher", "w", "begin")
    send(call, "watcher", "w", "look_away")
    deliver(call)
    assert (watcher(call, "seq"), watcher(call, "seen")) == (3, [])
    send(call, "watcher", "w", "look_away")
    send(call, "worker", "w/quiet/4", "add")
    told = "select jsonb_agg(event ->> 'type') from pawl.message"
    assert call(told) == ["told"]


def test_a_machine_that_is_observed_must_be_there(call: Call, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        with pytest.raises(psycopg.Error, match="stranger observes machine nobody") as refused:
            deploy_text(
                connection,
                WATCHER.replace("watcher", "stranger").replace("worker", "nobody"),
            )
        assert refused.value.diag.message_hint == "deploy nobody before stranger"


def test_a_dead_message_of_a_child_is_still_its_end_when_it_is_retried(call: Call) -> None:
    call("alter table pawl_parent.instance add constraint no_result check (result is null)")
    try:
        send(call, "worker", "p/job/2", "finish")
        call("update pawl.message set attempts = 9")
        deliver(call)
        dead = "select array[kind, name, message ->> 'source'] from pawl.dead_letter"
        assert call(dead) == ["message", "parent", "job"]
    finally:
        call("alter table pawl_parent.instance drop constraint no_result")
    call("select pawl.retry_dead(dead_id) from pawl.dead_letter")
    deliver(call)
    assert parent(call, "state") == ["idle"]
    assert parent(call, "result") == {"n": 1}


def test_a_dead_message_of_a_child_is_still_of_its_invoke_when_it_is_retried(call: Call) -> None:
    lane = "select array[kin::text, invoke_id, source_seq::text] from pawl.message"
    send(call, "worker", "p/job/2", "add")
    sent = call(lane)
    assert sent == ["true", "job", "2"]
    call("alter table pawl_parent.instance add constraint unheard check (heard is null)")
    try:
        call("update pawl.message set attempts = 9")
        deliver(call)
        assert call("select name from pawl.dead_letter") == "parent"
    finally:
        call("alter table pawl_parent.instance drop constraint unheard")
    call("select pawl.retry_dead(dead_id) from pawl.dead_letter")
    assert call(lane) == sent
    deliver(call)
    assert parent(call, "heard") == 2


def test_who_adopts_without_what_the_state_begins_creates_no_child(call: Call) -> None:
    call("select pawl.adopt_instance('parent', 'a', 1, '{working}', '{}', false)")
    assert children(call) == [["p/job/2", "running"]]
    call("select pawl.adopt_instance('parent', 'b', 1, '{working}', '{}')")
    assert children(call) == [["p/job/2", "running"], ["b/job/1", "running"]]


def test_a_child_that_begins_by_hand_is_observed_too(call: Call) -> None:
    call("select import_instance('watcher', 'w', 1, '{watching}', '{}')")
    send(call, "worker", "w/job/1", "add")
    deliver(call)
    assert watcher(call, "seen") == [1, 2]
    call("select force_state('watcher', 'w', '{working}', 'a test')")
    call("select force_state('watcher', 'w', '{watching}', 'a test')")
    child = f"w/job/{watcher(call, 'seq')}"
    deliver(call)
    send(call, "worker", child, "add")
    deliver(call)
    assert watcher(call, "seen") == [1, 2, 1, 2]
