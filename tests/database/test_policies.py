"""What a definition says of its effects, as the queue keeps it: limits, order, time, retries."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from pawl.deploy.deploy import deploy
from pawl.errors import Conflict, Denied, LeaseLost, NotFound
from pawlc.compile import compile_machine
from tests.database.calls import Call, refuses, wait_until_blocked

SHOP = """\
machine: shop
version: 1
events:
  do: { effect: text not null, key: text }
  ask: {}
authorize: {}
effects:
  free: {}
  slow: { concurrency: { limit: 2, per: key }, retry: { attempts: 2 } }
  rated: { rate: { limit: 3, per: 1 minute } }
  keyed: { rate: { limit: 1, per: 1 minute, by: key } }
  urgent: { priority: 5 }
  soon: { start_within: 10 s }
  alive: { heartbeat: 10 s, timeout: 10 min, retry: { attempts: 1 } }
  short: { timeout: 20 s, retry: { attempts: 1 } }
  tried: { retry: { attempts: 5, backoff: 1 s .. 1 s, except: [declined, gone] } }
initial: open
states:
  open:
    on:
      do:
EFFECTS
      ask: asking
  asking:
    invoke: { src: free, onDone: open, onError: { target: open } }
"""
NAMES = ("free", "slow", "rated", "keyed", "urgent", "soon", "alive", "short", "tried")
ACTIONS = "\n".join(
    f"        - guard: event.effect = '{name}'\n"
    f"          actions: {{ effect: {name}, input: {{ key: event.key }} }}"
    for name in NAMES
)


@dataclass
class Shop:
    """One instance that asks for any effect, a clock that stands still, and workers."""

    connection: psycopg.Connection
    call: Call

    def do(self, *effects: str, key: str | None = None) -> None:
        for effect in effects:
            event = json.dumps({"type": "do", "effect": effect, "key": key})
            self.call("select send_event('shop', 's', %s)", event)

    def ask(self) -> None:
        self.call("select send_event('shop', 's', '{\"type\": \"ask\"}')")

    def claim(self, limit: int = 10, worker: str = "w") -> list[dict[str, Any]]:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute("select * from pawl.claim_effects(%s, null, %s)", (worker, limit))
            return cursor.fetchall()

    def complete(self, *claims: dict[str, Any]) -> list[str]:
        return self.call(
            "select array_agg(outcome) from pawl.complete_effects(%s, %s, %s::jsonb[])",
            [claim["effect_id"] for claim in claims],
            [claim["token"] for claim in claims],
            ["1"] * len(claims),
        )

    def fail(self, claim: dict[str, Any], error: str = "{}", after: str | None = None) -> Any:
        arguments = (claim["effect_id"], claim["token"], error, after)
        return self.call("select pawl.fail_effect(%s, %s, %s, true, %s)", *arguments)

    def extend(self, claim: dict[str, Any], *, beat: bool) -> str:
        arguments = ([claim["effect_id"]], [claim["token"]], [beat])
        return self.call("select verdict from pawl.extend_effects(%s, %s, '60 s', %s)", *arguments)

    def wait(self, time: str) -> None:
        self.call("select pawl.advance_clock(%s)", time)

    def until(self, moment: Any) -> float:
        return (moment - self.call("select pawl.now()")).total_seconds()

    def status(self, *columns: str) -> list[Any]:
        query = f"select {', '.join(columns)} from pawl.effect_status order by effect_id"
        return self.connection.execute(query.encode()).fetchall()


def effects(claims: list[dict[str, Any]]) -> list[str]:
    return [claim["effect"] for claim in claims]


@pytest.fixture
def shop(connection: psycopg.Connection, call: Call) -> Shop:
    deploy(connection, compile_machine(SHOP.replace("EFFECTS", ACTIONS), "shop.machine.yaml"))
    call("select create_instance('shop', 's')")
    call("select pawl.set_clock('2030-01-01 00:00+00')")
    return Shop(connection, call)


# --- limits ------------------------------------------------------------------------------------


def test_slots_are_counted_for_each_value_and_passed_on(shop: Shop) -> None:
    for key in ("a", "a", "a", "b"):
        shop.do("slow", key=key)
    claims = shop.claim()
    assert [claim["input"]["key"] for claim in claims] == ["a", "a", "b"]
    assert shop.claim() == []
    assert shop.status("state", "reason")[2] == ("waiting for a slot", "2 are running")
    shop.complete(claims[2])
    assert shop.claim() == [], "another value's slot"
    shop.complete(claims[0])
    assert [claim["attempt"] for claim in shop.claim()] == [1]


def test_the_attempts_of_an_effect_are_told_while_they_are_kept(shop: Shop) -> None:
    shop.do("slow", "slow")
    assert shop.status("state", "attempt") == [("no handler", 0), ("no handler", 0)]
    first, second = shop.claim()
    assert shop.status("state", "attempt") == [("running", 1), ("running", 1)]
    shop.fail(first)
    shop.complete(second)
    assert shop.status("state", "attempt") == [("backing off", 1), ("done", None)]


def test_a_failed_attempt_gives_its_slot_to_the_next(shop: Shop) -> None:
    shop.do("slow", "slow", "slow")
    first, _ = shop.claim()
    shop.fail(first)
    assert effects(shop.claim()) == ["slow"]
    assert shop.status("state")[0] == ("backing off",)


def test_an_erased_instance_gives_its_slots_to_the_next(shop: Shop) -> None:
    shop.do("slow", "slow")
    assert len(shop.claim()) == 2
    shop.call("select create_instance('shop', 't')")
    event = json.dumps({"type": "do", "effect": "slow", "key": None})
    shop.call("select send_event('shop', 't', %s)", event)
    assert shop.claim() == []
    shop.call("select erase_instance('shop', 's')")
    assert [claim["id"] for claim in shop.claim()] == ["t"]


def test_the_slot_of_a_worker_that_vanished_is_free_when_its_lease_ends(shop: Shop) -> None:
    shop.do("slow", "slow", "slow")
    assert len(shop.claim()) == 2
    shop.wait("36 s")
    again = shop.claim()
    assert [claim["attempt"] for claim in again] == [2, 2]


def test_a_slot_is_freed_without_waiting_for_whoever_holds_what_waits(
    shop: Shop, database: str
) -> None:
    shop.do("slow", "slow", "slow", "slow")
    first, _ = shop.claim()
    with psycopg.connect(database) as operator:
        operator.execute(
            "select from pawl.lease where waits = 'slot' order by effect_id limit 1 for update"
        )
        shop.connection.execute("set lock_timeout = '5s'")
        shop.complete(first)
    assert effects(shop.claim()) == ["slow"]


def test_concurrent_workers_never_exceed_the_slots(shop: Shop, database: str) -> None:
    for key in ("a", "b"):
        for _ in range(20):
            shop.do("slow", key=key)
    most: Counter[str] = Counter()

    def work(worker: str) -> None:
        with psycopg.connect(database, autocommit=True, row_factory=dict_row) as connection:
            while True:
                claims = connection.execute(
                    "select * from pawl.claim_effects(%s, null, 3)", (worker,)
                ).fetchall()
                running = connection.execute(
                    "select slot, count(*) from pawl.lease where worker is not null group by 1"
                ).fetchall()
                for row in running:
                    most[row["slot"]] = max(most[row["slot"]], row["count"])
                connection.execute(
                    "select pawl.complete_effects(%s, %s, null)",
                    ([c["effect_id"] for c in claims], [c["token"] for c in claims]),
                )
                left = connection.execute("select count(*) as n from pawl.lease").fetchone()
                if not claims and left == {"n": 0}:
                    return

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shop.status("state") == [("done",)] * 40
    assert set(most) == {"shop/a", "shop/b"}
    assert max(most.values()) <= 2


ONCE = """\
machine: shop
version: 1
events:
  do: { effect: text not null, key: text }
authorize: {}
effects:
  last: { retry: { attempts: 1 } }
  rated: { rate: { limit: 2, per: 1 minute } }
initial: open
states:
  open:
    on:
      do:
        - guard: event.effect = 'last'
          actions: { effect: last, input: { key: event.key } }
        - actions: { effect: rated, input: { key: event.key } }
"""


@pytest.mark.parametrize("effect", ["last", "rated"])
def test_what_another_worker_took_while_one_looked_stays_with_it(
    connection: psycopg.Connection, call: Call, database: str, effect: str
) -> None:
    deploy(connection, compile_machine(ONCE, "shop.machine.yaml"))
    call("select create_instance('shop', 's')")
    shop = Shop(connection, call)
    shop.do(effect, effect, key="a")
    # The second worker's statement that finds effects waits with its snapshot for the first.
    found = "where o.effect_id > v_passed\n"
    waits = "pg_advisory_lock_shared(7) is not null"
    function = call("select pg_get_functiondef('pawl.open_effects'::regproc)")
    assert found in function
    slow = psycopg.connect(database, autocommit=True, application_name="second")
    function = function.replace(
        found,
        f"{found.rstrip()} and (current_setting('application_name') <> 'second' or {waits})\n",
    )
    connection.execute(function)
    call("select pg_advisory_lock(7)")
    claimed: list[Any] = []

    def look() -> None:
        claimed.extend(slow.execute("select * from pawl.claim_effects('second')").fetchall())

    with slow:
        thread = threading.Thread(target=look)
        thread.start()
        wait_until_blocked(call, slow.info.backend_pid)
        claims = shop.claim(worker="first")
        call("select pg_advisory_unlock(7)")
        thread.join()
    assert claimed == []
    assert len(claims) == 2
    assert shop.status("state", "worker") == [("running", "first")] * 2
    assert shop.complete(*claims) == ["applied", "applied"]


def test_a_rate_admits_so_many_in_each_interval(shop: Shop) -> None:
    shop.do(*["rated"] * 5, "free")
    claims = shop.claim()
    assert effects(claims) == ["rated", "rated", "rated", "free"]
    waiting = shop.status("state", "next_at", "reason")[3]
    assert (waiting[0], shop.until(waiting[1])) == ("rate-limited", 60)
    assert waiting[2] == "3 in 00:01:00 have begun"
    assert shop.until(shop.call("select pawl.next_wake('{rated}')")) <= 60
    shop.complete(*claims)
    shop.wait("60 s")
    assert effects(shop.claim()) == ["rated", "rated"]


def test_a_rate_by_a_field_counts_its_values_apart(shop: Shop) -> None:
    for key in ("a", "b", "a"):
        shop.do("keyed", key=key)
    assert [claim["input"]["key"] for claim in shop.claim()] == ["a", "b"]


def test_many_that_wait_for_a_slot_hide_nothing_behind_them(shop: Shop) -> None:
    shop.do(*["slow"] * 12, key="a")
    shop.do("slow", key="b")
    assert [claim["input"]["key"] for claim in shop.claim(limit=3)] == ["a", "a", "b"]


def test_what_is_urgent_goes_first(shop: Shop) -> None:
    shop.do("free", "free", "urgent")
    assert effects(shop.claim(limit=1)) == ["urgent"]
    assert effects(shop.claim()) == ["free", "free"]


# --- time --------------------------------------------------------------------------------------


def test_what_no_worker_began_in_time_has_failed(shop: Shop) -> None:
    shop.do("soon", "soon")
    assert len(shop.claim(limit=1)) == 1
    shop.wait("10 s")
    assert shop.claim() == []
    assert shop.status("state", "reason", "attempt")[1] == (
        "failed",
        "no worker began it in time",
        0,
    )


def test_a_handler_that_is_silent_loses_its_lease(shop: Shop) -> None:
    shop.do("alive")
    (claim,) = shop.claim()
    assert claim["heartbeat"].total_seconds() == 10
    shop.wait("9 s")
    assert shop.extend(claim, beat=True) == "held"
    shop.wait("9 s")
    assert shop.extend(claim, beat=False) == "held"
    shop.wait("6 s")
    assert shop.extend(claim, beat=False) == "lost"
    assert shop.claim() == []
    assert shop.call("select error ->> 'code' from pawl.dead_letter") == "heartbeat_missed"


def test_an_attempt_is_not_renewed_beyond_its_timeout(shop: Shop) -> None:
    shop.do("short")
    (claim,) = shop.claim()
    shop.wait("19 s")
    assert shop.extend(claim, beat=True) == "held"
    shop.wait("6 s")
    assert shop.extend(claim, beat=True) == "lost"
    assert shop.claim() == []
    assert shop.call("select error ->> 'code' from pawl.dead_letter") == "timeout"


def test_an_error_that_is_not_to_be_retried_ends_its_effect(shop: Shop) -> None:
    shop.do("tried", "tried")
    first, second = shop.claim()
    assert shop.fail(first, '{"code": "busy"}') is not None
    assert shop.fail(second, '{"code": "gone"}') is None
    assert shop.status("state", "attempt") == [("backing off", 1), ("failed", 1)]


def test_the_next_attempt_is_not_before_what_the_other_side_asked_for(shop: Shop) -> None:
    shop.do("tried")
    (claim,) = shop.claim()
    assert shop.until(shop.fail(claim, after="1 hour")) == 3600
    assert shop.until(shop.call("select pawl.next_wake()")) == 3600


def test_effects_that_are_given_back_have_not_been_tried(shop: Shop) -> None:
    shop.do("slow", "slow", "slow")
    claims = shop.claim()
    ids, tokens = ([claim[key] for claim in claims] for key in ("effect_id", "token"))
    assert shop.call("select pawl.release_effects(%s, %s)", ids, tokens) == 2
    assert shop.call("select pawl.release_effects(%s, %s)", ids, tokens) == 0
    assert [claim["attempt"] for claim in shop.claim()] == [1, 1]


# --- batches -----------------------------------------------------------------------------------


def test_in_a_batch_a_stale_token_hinders_no_other(shop: Shop) -> None:
    shop.do("free", "slow")
    shop.ask()
    claims = shop.claim()
    assert effects(claims) == ["free", "slow", "free"]
    stale = claims[0] | {"token": 0}
    assert shop.complete(stale, *claims[1:]) == ["lost", "applied", "applied"]
    assert shop.call("select state from pawl_shop.instance") == ["open"]
    assert shop.complete(*claims) == ["applied", "lost", "lost"]


def test_an_output_that_is_too_large_ends_its_effect_only(shop: Shop) -> None:
    shop.do("free")
    shop.ask()
    claims = shop.claim()
    outputs = ["1", json.dumps("x" * 1_100_000)]
    told = shop.call(
        "select array_agg(outcome) from pawl.complete_effects(%s, %s, %s::jsonb[])",
        *([claim[key] for claim in claims] for key in ("effect_id", "token")),
        outputs,
    )
    assert told == ["applied", "applied"]
    assert shop.status("state") == [("done",), ("failed",)]
    assert shop.call("select error ->> 'code' from pawl.dead_letter") == "output_too_large"


# --- operators ---------------------------------------------------------------------------------


def acts(shop: Shop) -> list[str]:
    return [
        event["type"]
        for (event,) in shop.connection.execute("select event from history('shop', 's')")
        if event["type"].startswith("pawl.") and event["type"] != "pawl.init"
    ]


def test_an_effect_is_cancelled_by_hand(shop: Shop) -> None:
    shop.ask()
    (claim,) = shop.claim()
    effect = claim["effect_id"]
    assert shop.call("select pawl.cancel_effect(%s, 'wrong number')", effect) == "applied"
    assert shop.status("state", "reason") == [("cancelled", "wrong number")]
    assert shop.call("select state from pawl_shop.instance") == ["open"]
    assert shop.extend(claim, beat=True) == "lost"
    assert shop.call("select count(*) from pawl.dead_letter") == 0
    assert acts(shop) == ["pawl.cancel_effect"]
    with refuses("effect_ended", Conflict):
        shop.call("select pawl.cancel_effect(%s)", effect)


def test_an_effect_is_completed_by_hand(shop: Shop) -> None:
    shop.ask()
    (claim,) = shop.claim()
    assert shop.call("select pawl.complete_by_hand(%s, '7')", claim["effect_id"]) == "applied"
    assert shop.call("select output from pawl.effect_result") == 7
    with refuses("lease_lost", LeaseLost):
        shop.fail(claim)
    assert acts(shop) == ["pawl.complete_by_hand"]


def test_an_effect_is_retried_without_its_backoff(shop: Shop) -> None:
    shop.do("tried")
    (claim,) = shop.claim()
    with refuses("effect_running", Conflict):
        shop.call("select pawl.retry_effect(%s)", claim["effect_id"])
    shop.fail(claim, after="1 day")
    assert shop.claim() == []
    shop.call("select pawl.retry_effect(%s)", claim["effect_id"])
    assert [claim["attempt"] for claim in shop.claim()] == [2]
    assert acts(shop) == ["pawl.retry_effect"]


def test_a_dead_effect_is_performed_again_with_all_its_attempts(shop: Shop) -> None:
    shop.do("tried")
    shop.fail(*shop.claim(), '{"code": "gone"}')
    dead = shop.call("select dead_id from pawl.dead_letter")
    shop.call("select pawl.retry_dead(%s)", dead)
    with refuses("unknown_dead_letter", NotFound):
        shop.call("select pawl.retry_dead(%s)", dead)
    (claim,) = shop.claim()
    assert claim["attempt"] == 1
    assert shop.complete(claim) == ["applied"]
    assert acts(shop) == ["pawl.retry_dead"]


def test_operators_only_and_only_what_there_is(shop: Shop) -> None:
    for query in (
        "select pawl.cancel_effect(0)",
        "select pawl.complete_by_hand(0)",
        "select pawl.retry_effect(0)",
    ):
        with refuses("unknown_effect", NotFound):
            shop.call(query)
    shop.call("set request.jwt.claims = '{}'")
    for query in ("select pawl.cancel_effect(0)", "select pawl.retry_dead(0)"):
        with refuses("trusted_only", Denied):
            shop.call(query)


def test_the_status_tells_whether_anybody_performs_an_effect(shop: Shop) -> None:
    shop.do("free")
    assert shop.status("state") == [("no handler",)]
    shop.call("select pawl.worker_seen('w', '{slow}')")
    assert shop.status("state") == [("no handler",)]
    shop.call("select pawl.worker_seen('w', '{slow,free}')")
    assert shop.status("state") == [("ready",)]
    shop.wait("31 s")
    assert shop.status("state") == [("no handler",)]
    shop.call("select pawl.worker_seen('w')")
    assert shop.status("state") == [("ready",)]
    shop.call("select pawl.worker_gone('w')")
    assert shop.status("state") == [("no handler",)]


def test_an_effect_carries_the_trace_of_who_caused_it(shop: Shop) -> None:
    shop.do("free")
    shop.call("set pawl.traceparent = '00-aa-bb-01'")
    shop.do("free")
    assert [claim["trace"] for claim in shop.claim()] == [None, "00-aa-bb-01"]
