"""The effect queue: leases, fencing, retries, results whose transition fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from pawl.errors import BadRequest, LeaseLost, TooLarge
from tests.database.calls import Call, refuses


@dataclass
class Queue:
    """One door that rings, a clock that stands still, and a worker."""

    connection: psycopg.Connection
    call: Call

    def ring(self, id: str = "d") -> None:
        self.call("select ensure_instance('door', %s)", id)
        self.call("select send_event('door', %s, %s)", id, '{"type": "ring"}')

    def claim(self, worker: str = "w", limit: int = 10) -> list[dict[str, Any]]:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute("select * from pawl.claim_effects(%s, null, %s)", (worker, limit))
            return cursor.fetchall()

    def complete(self, claim: dict[str, Any], output: str | None = '"ding"') -> str:
        arguments = (claim["effect_id"], claim["token"], output)
        return self.call("select pawl.complete_effect(%s, %s, %s)", *arguments)

    def fail(self, claim: dict[str, Any], error: str = "{}", retry: bool = True) -> Any:
        arguments = (claim["effect_id"], claim["token"], error, retry)
        return self.call("select pawl.fail_effect(%s, %s, %s, %s)", *arguments)

    def wait(self, time: str) -> None:
        self.call("select pawl.advance_clock(%s)", time)

    def state(self, id: str = "d") -> list[str]:
        return self.call("select state from pawl_door.instance where id = %s", id)

    def result(self, *columns: str) -> Any:
        query = f"select {', '.join(columns)} from pawl.effect_result order by effect_id"
        return self.connection.execute(query.encode()).fetchone()


@pytest.fixture
def queue(connection: psycopg.Connection, door: Call) -> Queue:
    door("select pawl.set_clock('2030-01-01 00:00+00')")
    return Queue(connection, door)


@pytest.mark.smoke
def test_an_effect_is_claimed_once_with_all_that_a_handler_needs(queue: Queue) -> None:
    queue.ring()
    (claim,) = queue.claim()
    assert claim | {"effect_id": 0, "token": 0, "timeout": 0, "created_at": 0} == {
        "effect_id": 0,
        "token": 0,
        "machine": "door",
        "version": 1,
        "id": "d",
        "effect": "ring",
        "invoke_id": "bell",
        "input": {"loud": True},
        "attempt": 1,
        "attempts": 2,
        "timeout": 0,
        "heartbeat": None,
        "idempotency_key": f"door/d/{claim['effect_id']}",
        "created_at": 0,
        "trace": None,
    }
    assert claim["timeout"].total_seconds() == 120
    assert queue.claim() == []


def test_a_result_is_stored_and_its_event_applied(queue: Queue) -> None:
    queue.ring()
    assert queue.complete(*queue.claim()) == "applied"
    assert queue.state() == ["closed"]
    assert queue.result("outcome", "output", "applied_at is not null") == ("done", "ding", True)
    event = queue.call("select event from history('door', 'd') order by seq desc limit 1")
    assert event == {"type": "done.invoke.bell", "output": "ding"}
    assert queue.call("select count(*) from pawl.lease") == 0


def test_an_effect_that_nobody_waits_for_needs_no_event(queue: Queue) -> None:
    queue.call("select create_instance('door', 'd')")
    queue.call("select send_event('door', 'd', '{\"type\": \"open\"}')")
    queue.call("select send_event('door', 'd', '{\"type\": \"close\", \"mail\": 1}')")
    (claim,) = queue.claim()
    assert (claim["effect"], claim["invoke_id"], claim["attempts"]) == ("mail", None, 1)
    assert queue.complete(claim, None) == "applied"
    assert queue.call("select seq from pawl_door.instance") == 3


def test_workers_ask_for_the_effects_that_they_know(queue: Queue) -> None:
    queue.ring()
    assert queue.call("select count(*) from pawl.claim_effects('w', '{mail}')") == 0
    assert queue.call("select count(*) from pawl.claim_effects('w', '{mail,ring}')") == 1
    with refuses("null_argument", BadRequest):
        queue.call("select pawl.claim_effects(null)")


def test_a_batch_is_the_oldest_first(queue: Queue) -> None:
    for id in ("a", "b", "c"):
        queue.ring(id)
    assert [claim["id"] for claim in queue.claim(limit=2)] == ["a", "b"]
    assert [claim["id"] for claim in queue.claim(limit=2)] == ["c"]


def test_a_stale_token_is_refused(queue: Queue) -> None:
    queue.ring()
    (first,) = queue.claim("slow")
    queue.wait("59 s")
    assert queue.claim("other") == []
    queue.wait("1 s")
    (second,) = queue.claim("other")
    assert second["token"] > first["token"]
    assert (second["attempt"], second["idempotency_key"]) == (2, first["idempotency_key"])
    with refuses("lease_lost", LeaseLost):
        queue.complete(first)
    with refuses("lease_lost", LeaseLost):
        queue.fail(first)
    assert queue.complete(second) == "applied"
    with refuses("lease_lost", LeaseLost):
        queue.complete(second)


def test_an_expired_lease_is_good_until_somebody_takes_over(queue: Queue) -> None:
    queue.ring()
    (claim,) = queue.claim()
    queue.wait("1 hour")
    assert queue.complete(claim) == "applied"


def test_leases_are_renewed_in_one_call_that_tells_what_became_of_each(queue: Queue) -> None:
    for id in ("a", "b", "c"):
        queue.ring(id)
    held, cancelled, lost = queue.claim()
    queue.call("select stop_instance('door', 'b')")
    queue.complete(lost)
    queue.wait("30 s")
    verdicts = queue.connection.execute(
        "select effect_id, verdict from pawl.extend_effects(%s, %s)",
        (
            [c["effect_id"] for c in (held, cancelled, lost)],
            [c["token"] for c in (held, cancelled, lost)],
        ),
    ).fetchall()
    assert verdicts == [
        (held["effect_id"], "held"),
        (cancelled["effect_id"], "cancelled"),
        (lost["effect_id"], "lost"),
    ]
    queue.wait("59 s")
    assert queue.claim("other") == []


def test_a_lease_whose_result_waits_for_its_instance_costs_the_others_nothing(
    queue: Queue, database: str
) -> None:
    ids, tokens = [], []
    for id in ("a", "b"):
        queue.ring(id)
    for claimed in queue.claim():
        ids.append(claimed["effect_id"])
        tokens.append(claimed["token"])
    queue.wait("30 s")
    extend = "select effect_id, verdict from pawl.extend_effects(%s, %s)"
    with psycopg.connect(database) as storing:
        storing.execute("select pawl.hold_lease(%s, %s)", (ids[0], tokens[0]))
        with queue.connection.transaction():
            queue.connection.execute("set local lock_timeout = '10 s'")
            verdicts = queue.connection.execute(extend, (ids, tokens)).fetchall()
    assert verdicts == [(ids[0], "held"), (ids[1], "held")]
    queue.wait("59 s")
    assert [one["effect_id"] for one in queue.claim("other")] == [ids[0]]


def test_an_unclaimed_effect_vanishes_with_its_state(queue: Queue) -> None:
    queue.ring()
    queue.call("select stop_instance('door', 'd')")
    assert queue.claim() == []
    assert queue.result("outcome", "applied_at", "apply_due") == ("void", None, None)


def test_a_late_result_of_a_state_that_was_left_is_dropped(queue: Queue) -> None:
    queue.ring()
    (claim,) = queue.claim()
    queue.call("select stop_instance('door', 'd')")
    assert queue.complete(claim) == "void"
    assert queue.result("outcome", "applied_at", "apply_due") == ("done", None, None)


def test_a_failed_attempt_is_made_again_after_a_backoff(queue: Queue) -> None:
    queue.ring()
    (claim,) = queue.claim()
    due = queue.fail(claim)
    assert 0 <= (due - queue.call("select pawl.now()")).total_seconds() <= 10
    with refuses("lease_lost", LeaseLost):
        queue.complete(claim)
    queue.call("select pawl.set_clock(%s)", due)
    (again,) = queue.claim()
    assert again["attempt"] == 2
    assert queue.state() == ["ringing"]


def test_the_last_failure_sends_the_error_and_stays_as_a_dead_letter(queue: Queue) -> None:
    queue.ring()
    queue.fail(*queue.claim())
    queue.wait("10 s")
    (last,) = queue.claim()
    error = '{"code": "no_bell", "message": "nobody there", "data": {"floor": 3}, "x": 1}'
    assert queue.fail(last, error) is None
    expected = {"code": "no_bell", "message": "nobody there", "attempts": 2, "data": {"floor": 3}}
    assert queue.result("outcome", "error") == ("error", expected)
    assert queue.state() == ["broken"]
    event = queue.call("select event from history('door', 'd') order by seq desc limit 1")
    assert event == {"type": "error.invoke.bell", "error": expected}
    dead = queue.connection.execute(
        "select kind, id, name, attempts, event, error from pawl.dead_letter"
    ).fetchall()
    assert dead == [("effect", "d", "ring", 2, {"loud": True}, expected)]


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        ("{}", "error", "the handler failed"),
        ('"boom"', "error", "boom"),
        ("null", "error", "the handler failed"),
        ('{"code": 7}', "7", "the handler failed"),
    ],
)
def test_what_is_not_to_be_retried_fails_at_once(
    queue: Queue, error: str, code: str, message: str
) -> None:
    queue.ring()
    assert queue.fail(*queue.claim(), error, retry=False) is None
    assert queue.result("error") == ({"code": code, "message": message, "attempts": 1},)


def test_a_worker_that_vanishes_in_the_last_attempt_is_an_error(queue: Queue) -> None:
    queue.ring()
    queue.claim()
    queue.wait("60 s")
    queue.claim()
    queue.wait("60 s")
    assert queue.claim() == []
    assert queue.result("error ->> 'code'", "error ->> 'attempts'") == ("lease_expired", "2")
    assert queue.state() == ["broken"]


def test_a_result_whose_transition_fails_is_applied_later_without_the_handler(
    queue: Queue,
) -> None:
    queue.ring()
    queue.call("update pawl_door.instance set fragile = 'broken'")
    assert queue.complete(*queue.claim()) == "failed"
    assert queue.result("output", "applied_at", "last_error") == (
        "ding",
        None,
        "the hinge is broken",
    )
    assert queue.claim() == []
    assert queue.call("select pawl.apply_results()") == 0
    queue.call("update pawl_door.instance set fragile = null")
    queue.wait("5 s")
    assert queue.call("select pawl.apply_results()") == 1
    assert queue.state() == ["closed"]
    assert queue.result("apply_due", "applied_at is null") == (None, False)


def test_a_result_that_never_applies_is_buried_after_ten_failures(queue: Queue) -> None:
    queue.ring()
    queue.call("update pawl_door.instance set fragile = 'broken'")
    queue.complete(*queue.claim())
    for _ in range(9):
        queue.wait("6 minutes")
        assert queue.call("select pawl.apply_results()") == 1
    queue.wait("6 minutes")
    assert queue.call("select pawl.apply_results()") == 0
    row = queue.connection.execute("select kind, attempts, event from pawl.dead_letter").fetchall()
    assert row == [("result", 10, {"type": "done.invoke.bell", "output": "ding"})]
    assert queue.result("output", "apply_due") == ("ding", None)


def test_a_paused_instance_gets_the_result_when_it_runs_again(queue: Queue) -> None:
    queue.ring()
    queue.call("select pause_instance('door', 'd')")
    assert queue.complete(*queue.claim()) == "failed"
    for _ in range(20):
        queue.wait("6 minutes")
        assert queue.call("select pawl.apply_results()") == 1
    assert queue.result("apply_attempts") == (0,)
    queue.call("select resume_instance('door', 'd')")
    queue.wait("5 s")
    queue.call("select pawl.apply_results()")
    assert queue.state() == ["closed"]


def test_a_result_of_over_a_megabyte_is_refused(queue: Queue) -> None:
    queue.ring()
    (claim,) = queue.claim()
    with refuses("too_large", TooLarge):
        queue.complete(claim, '"' + "x" * 1_100_000 + '"')
    assert queue.complete(claim) == "applied"


def test_two_workers_never_hold_one_effect(queue: Queue, database: str) -> None:
    for id in ("a", "b", "c"):
        queue.ring(id)
    with psycopg.connect(database) as one, psycopg.connect(database) as two:
        query = "select id from pawl.claim_effects(%s, null, 2) order by 1"
        assert one.execute(query, ("one",)).fetchall() == [("a",), ("b",)]
        assert two.execute(query, ("two",)).fetchall() == [("c",)]
        one.rollback()
        two.commit()
    assert [claim["id"] for claim in queue.claim()] == ["a", "b"]


def test_a_worker_without_superuser_works(queue: Queue) -> None:
    queue.ring()
    with queue.connection.transaction():
        queue.call("set local role pawl_worker")
        assert queue.complete(*queue.claim()) == "applied"
        queue.call("select pawl.fire_due_timers()")
        queue.call("select pawl.apply_results()")
        queue.call("select pawl.sweep()")


def unwanted(queue: Queue, *claims: dict[str, Any]) -> list[str]:
    ids, tokens = ([claim[key] for claim in claims] for key in ("effect_id", "token"))
    query = "select array_agg(verdict) from pawl.unwanted_effects(%s, %s)"
    return queue.call(query, ids, tokens) or []


def test_a_worker_asks_what_of_its_work_is_still_wanted(queue: Queue) -> None:
    for id in ("held", "left", "cancelled", "taken", "finished"):
        queue.ring(id)
    held, left, cancelled, taken, finished = queue.claim()
    assert unwanted(queue, held, left, cancelled, taken, finished) == []
    queue.call("select force_state('door', 'left', '{closed}', 'why')")
    assert unwanted(queue, left) == ["cancelled"]
    queue.call("select pawl.cancel_effect(%s)", cancelled["effect_id"])
    assert unwanted(queue, cancelled) == ["cancelled"]
    queue.call("select pawl.complete_by_hand(%s)", finished["effect_id"])
    assert unwanted(queue, finished) == ["lost"]
    queue.call("update pawl.lease set token = token + 100 where effect_id = %s", taken["effect_id"])
    assert unwanted(queue, held, taken) == ["lost"]


# --- the mark ----------------------------------------------------------------------------------


def passed(queue: Queue) -> int:
    queue.call("select pawl.advance_mark(pawl.newest_effect())")
    return queue.call("select passed from pawl.outbox_mark")


def age_gaps(queue: Queue) -> None:
    queue.call("update pawl.outbox_gap set seen_at = seen_at - interval '11 s'")
    queue.call("select pawl.close_gaps()")
    queue.call("select pawl.close_gaps()")


def test_the_mark_passes_what_nobody_performs(queue: Queue) -> None:
    for id in ("a", "b", "c"):
        queue.ring(id)
    first, second = queue.claim(limit=2)
    queue.complete(first)
    assert passed(queue) == second["effect_id"] + 1
    leases = queue.connection.execute(
        "select attempt, worker from pawl.lease order by effect_id"
    ).fetchall()
    assert leases == [(1, "w"), (0, None)]
    assert [claim["id"] for claim in queue.claim()] == ["c"]
    assert queue.claim() == []


def test_an_effect_in_flight_is_a_gap_that_is_claimed_when_it_comes(
    queue: Queue, database: str
) -> None:
    queue.call("select ensure_instance('door', 'slow')")
    with psycopg.connect(database) as other:
        other.execute("select send_event('door', 'slow', '{\"type\": \"ring\"}')")
        queue.ring("fast")
        queue.complete(*queue.claim())
        assert passed(queue) == queue.call("select max(effect_id) from pawl.outbox")
        age_gaps(queue)
        assert queue.call("select last_id - first_id from pawl.outbox_gap") == 0
        other.commit()
    assert [claim["id"] for claim in queue.claim()] == ["slow"]
    assert queue.claim() == []


def test_a_gap_of_what_was_rolled_back_is_forgotten(queue: Queue, database: str) -> None:
    queue.call("select ensure_instance('door', 'never')")
    with psycopg.connect(database) as other:
        other.execute("select send_event('door', 'never', '{\"type\": \"ring\"}')")
        queue.ring("d")
        passed(queue)
        other.rollback()
    assert queue.call("select count(*) from pawl.outbox_gap") == 1
    while queue.call("select count(*) from pawl.outbox_gap"):
        age_gaps(queue)  # again while transactions of other tests on this server run
    assert [claim["id"] for claim in queue.claim()] == ["d"]


def test_the_mark_stops_at_what_a_claim_in_flight_holds(queue: Queue, database: str) -> None:
    for id in ("a", "b"):
        queue.ring(id)
    with psycopg.connect(database) as other:
        (claimed,) = other.execute(
            "select effect_id from pawl.claim_effects('slow', null, 1)"
        ).fetchall()
        assert passed(queue) == claimed[0] - 1
        other.rollback()
    assert [claim["id"] for claim in queue.claim()] == ["a", "b"]
