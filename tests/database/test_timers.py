"""Timers: due, void, failing, locked; each on its own."""

from __future__ import annotations

import psycopg
import pytest

from tests.database.calls import Call


@pytest.fixture
def d(door: Call) -> Call:
    """An open door, whose timer is due in a minute of a clock that stands still."""
    door("select pawl.set_clock('2030-01-01 00:00+00')")
    door("select create_instance('door', 'd')")
    door("select send_event('door', 'd', '{\"type\": \"open\"}')")
    return door


def fire(call: Call) -> int:
    return call("select pawl.fire_due_timers()")


def states(call: Call) -> list[str]:
    return call("select array_agg(state[1] order by id) from pawl_door.instance")


@pytest.mark.smoke
def test_a_timer_fires_when_it_is_due_and_once(d: Call) -> None:
    d("select pawl.advance_clock('59 s')")
    assert fire(d) == 0
    d("select pawl.advance_clock('1 s')")
    assert fire(d) == 1
    assert states(d) == ["closed"]
    assert d("select event from history('door', 'd') order by seq desc limit 1") == {
        "type": "after.1 minute.open"
    }
    assert fire(d) == 0
    assert d("select count(*) from pawl.timer") == 0


def test_a_timer_of_a_state_that_was_left_is_consumed_in_silence(d: Call) -> None:
    d("select send_event('door', 'd', '{\"type\": \"close\"}')")
    d("select pawl.advance_clock('30 s')")
    d("select send_event('door', 'd', '{\"type\": \"open\"}')")
    d("select pawl.advance_clock('30 s')")
    assert fire(d) == 1
    assert states(d) == ["open"], "the timer of the second opening is not due yet"
    d("select pawl.advance_clock('30 s')")
    assert fire(d) == 1
    assert states(d) == ["closed"]


def test_one_failing_timer_does_not_stop_the_others(d: Call) -> None:
    d("select create_instance('door', 'e', '{\"fragile\": \"broken\"}')")
    d("select send_event('door', 'e', '{\"type\": \"open\"}')")
    d("select pawl.advance_clock('1 minute')")
    assert fire(d) == 2
    assert states(d) == ["closed", "open"]
    assert d("select attempts from pawl.timer") == 1
    assert d("select last_error from pawl.timer") == "the hinge is broken"
    assert fire(d) == 0, "it backs off"
    d("update pawl_door.instance set fragile = null")
    d("select pawl.advance_clock('5 s')")
    assert fire(d) == 1
    assert states(d) == ["closed", "closed"]


def test_a_timer_that_always_fails_goes_to_dead_letter(
    d: Call, connection: psycopg.Connection
) -> None:
    d("update pawl_door.instance set fragile = 'broken'")
    for _ in range(10):
        d("select pawl.advance_clock('6 minutes')")
        assert fire(d) == 1
    d("select pawl.advance_clock('6 minutes')")
    assert fire(d) == 0
    rows = connection.execute(
        "select kind, machine, name, attempts, event ->> 'type', error ->> 'message'"
        " from pawl.dead_letter"
    ).fetchall()
    name = "after.1 minute.open"
    assert rows == [("timer", "door", name, 10, name, "the hinge is broken")]


def test_a_paused_instance_keeps_its_timer_uncounted(d: Call) -> None:
    d("select pause_instance('door', 'd')")
    for _ in range(20):
        d("select pawl.advance_clock('6 minutes')")
        assert fire(d) == 1
    assert d("select attempts from pawl.timer") == 0
    d("select resume_instance('door', 'd')")
    d("select pawl.advance_clock('5 s')")
    assert fire(d) == 1
    assert states(d) == ["closed"]


def test_a_locked_instance_is_left_for_the_next_time(d: Call, database: str) -> None:
    d("select create_instance('door', 'e')")
    d("select send_event('door', 'e', '{\"type\": \"open\"}')")
    d("select pawl.advance_clock('1 minute')")
    with psycopg.connect(database) as other:
        other.execute("select from pawl_door.instance where id = 'd' for update")
        assert fire(d) == 1
        assert states(d) == ["open", "closed"]
    assert fire(d) == 1
    assert states(d) == ["closed", "closed"]


def test_two_workers_fire_a_timer_once(d: Call, database: str) -> None:
    d("select pawl.advance_clock('1 minute')")
    with psycopg.connect(database) as one, psycopg.connect(database) as two:
        assert one.execute("select pawl.fire_due_timers()").fetchone() == (1,)
        assert two.execute("select pawl.fire_due_timers()").fetchone() == (0,)
        one.commit()
        assert two.execute("select pawl.fire_due_timers()").fetchone() == (0,)
    assert d("select seq from pawl_door.instance") == 3


def test_the_limit_counts_timers(d: Call) -> None:
    for n in range(3):
        d("select create_instance('door', %s)", f"x{n}")
        d("select send_event('door', %s, '{\"type\": \"open\"}')", f"x{n}")
    d("select pawl.advance_clock('1 minute')")
    assert [d("select pawl.fire_due_timers(3)") for _ in range(3)] == [3, 1, 0]
