"""What is kept how long: partitions that begin, age as a whole, and go; what outlives them."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.database.calls import Call
from tests.database.test_effects import Queue, age_gaps, passed

WIDTH = 1_000_000
NAMES = """\
select array_agg(c.relname::text order by c.relname)
from pg_inherits as i join pg_class as c on c.oid = i.inhrelid
where i.inhparent = %s::regclass"""


@pytest.fixture
def queue(connection: psycopg.Connection, door: Call) -> Queue:
    door("select pawl.set_clock('2030-01-01 00:00+00')")
    return Queue(connection, door)


def sweep(queue: Queue) -> dict[str, Any]:
    """Sweep, when nothing is in flight any more."""
    passed(queue)
    while queue.call("select count(*) from pawl.outbox_gap"):
        age_gaps(queue)  # again while transactions of other tests on this server run
    return queue.call("select pawl.sweep()")


def last_effect(queue: Queue) -> int:
    return queue.call("select max(effect_id) from pawl.outbox")


def turned(queue: Queue) -> None:
    """One settled effect, and a partition that ends with it."""
    queue.ring()
    queue.complete(*queue.claim())
    sweep(queue)
    queue.wait("4 days")
    sweep(queue)


def test_there_is_always_a_partition_that_nobody_uses_yet(queue: Queue) -> None:
    assert queue.call(NAMES, "pawl.outbox") == ["outbox_1", "outbox_1000001", "outbox_default"]
    queue.call("select setval(pg_get_serial_sequence('pawl.outbox', 'effect_id'), %s)", WIDTH)
    sweep(queue)
    assert "outbox_2000001" in queue.call(NAMES, "pawl.outbox")
    assert "effect_result_2000001" in queue.call(NAMES, "pawl.effect_result")


def test_a_partition_that_is_used_up_before_its_time_makes_the_next_ones_wider(
    queue: Queue,
) -> None:
    queue.ring()
    for last in (WIDTH, 2 * WIDTH):
        sweep(queue)
        queue.call("select setval(pg_get_serial_sequence('pawl.outbox', 'effect_id'), %s)", last)
        queue.ring(f"at {last}")
    sweep(queue)
    sweep(queue)
    widths = queue.call(
        "select array_agg(last_id - first_id + 1 order by first_id) from pawl.outbox_part"
    )
    assert widths[:3] == [WIDTH, WIDTH, 4 * WIDTH]


def test_a_partition_ends_after_a_quarter_of_the_time_however_few_effects_it_has(
    queue: Queue,
) -> None:
    turned(queue)
    assert last_effect(queue) == 1
    queue.ring()
    assert last_effect(queue) == WIDTH + 1
    sweep(queue)
    queue.wait("3 days")
    sweep(queue)
    queue.ring("e")
    assert last_effect(queue) == WIDTH + 2
    assert len(queue.claim()) == 2


def test_a_partition_goes_when_its_effects_are_old(queue: Queue) -> None:
    turned(queue)
    queue.wait("13 days")
    assert sweep(queue) | {"effects": 0} == {
        "event_keys": 0,
        "effects": 0,
        "dropped": 0,
        "retired": 0,
    }
    assert queue.call("select count(*) from pawl.effect_result") == 1
    queue.wait("1 day 1 s")
    assert sweep(queue)["retired"] == 1
    assert queue.call("select count(*) from pawl.outbox") == 0
    assert queue.call("select count(*) from pawl.effect_result") == 0
    assert queue.call("select count(*) from pawl.outbox_1") == 1, "nobody has waited for its files"
    assert sweep(queue)["dropped"] == 2
    assert queue.call("select to_regclass('pawl.outbox_1')") is None
    assert queue.call("select to_regclass('pawl.effect_result_1')") is None


def test_an_open_effect_outlives_its_partition(queue: Queue) -> None:
    queue.ring("open")
    (claim,) = queue.claim()
    turned(queue)
    queue.wait("15 days")
    assert sweep(queue)["retired"] == 1
    sweep(queue)
    assert queue.call("select array_agg(id) from pawl.outbox_default") == ["open"]
    (claim,) = queue.claim()
    assert (claim["id"], claim["attempt"]) == ("open", 2)
    assert queue.complete(claim) == "applied"
    assert queue.state("open") == ["closed"]
    queue.wait("13 days")
    assert sweep(queue)["effects"] == 0
    queue.wait("2 days")
    assert sweep(queue)["effects"] == 1
    assert queue.call("select count(*) from pawl.effect_result") == 0


def test_a_result_is_kept_from_when_it_came(queue: Queue) -> None:
    queue.ring("late")
    queue.claim()
    turned(queue)
    queue.wait("10 days")
    queue.complete(*queue.claim())
    queue.wait("5 days")
    assert sweep(queue)["retired"] == 1
    kept = "select array_agg(o.id) from pawl.outbox as o join pawl.effect_result using (effect_id)"
    assert queue.call(kept) == ["late"]


def test_a_partition_stays_while_an_effect_of_it_may_be_in_flight(
    queue: Queue, database: str
) -> None:
    queue.call("select ensure_instance('door', 'slow')")
    with psycopg.connect(database) as other:
        other.execute("select send_event('door', 'slow', '{\"type\": \"ring\"}')")
        queue.ring()
        queue.complete(*queue.claim())
        for time in ("0 s", "4 days", "15 days"):
            queue.wait(time)
            assert queue.call("select pawl.sweep()")["retired"] == 0
        other.commit()
    assert [claim["id"] for claim in queue.claim()] == ["slow"]


def test_a_sweep_does_not_wait_for_a_sender(queue: Queue, database: str) -> None:
    turned(queue)
    queue.call("select ensure_instance('door', 'slow')")
    queue.wait("15 days")
    with psycopg.connect(database) as other:
        other.execute("select send_event('door', 'slow', '{\"type\": \"ring\"}')")
        assert queue.call("select pawl.sweep()")["retired"] == 0
        other.commit()
    queue.complete(*queue.claim())
    assert sweep(queue)["retired"] == 1


def test_of_two_sweeps_one_tends_the_partitions(queue: Queue, database: str) -> None:
    turned(queue)
    queue.wait("15 days")
    with psycopg.connect(database) as other:
        other.execute("select pg_advisory_xact_lock(pawl.lock_space(), 4)")
        assert sweep(queue)["retired"] == 0
        other.commit()
    assert sweep(queue)["retired"] == 1


def test_ids_beyond_the_last_partition_are_kept_and_performed(queue: Queue) -> None:
    queue.call("select setval(pg_get_serial_sequence('pawl.outbox', 'effect_id'), %s)", 3 * WIDTH)
    queue.ring()
    assert queue.call("select array_agg(id) from pawl.outbox_default") == ["d"]
    sweep(queue)
    assert f"outbox_{4 * WIDTH + 1}" in queue.call(NAMES, "pawl.outbox")
    assert queue.complete(*queue.claim()) == "applied"


@pytest.mark.parametrize(
    ("retentions", "kept"),
    [
        ([], ("14 days", None)),
        ([None], ("14 days", None)),
        (["90 days"], ("90 days", "90 days")),
        (["2 days"], ("2 days", "2 days")),
        (["2 days", "90 days"], ("90 days", "90 days")),
        (["2 days", None], ("14 days", None)),
    ],
)
def test_the_machine_that_keeps_longest_decides(
    call: Call, retentions: list[str | None], kept: tuple[str, str | None]
) -> None:
    for number, retention in enumerate(retentions):
        call(
            "with m as (insert into pawl.machine (name, current_version, schema_name)"
            " values (%s, 1, %s))"
            " insert into pawl.version (machine, version, hash, source, definition_file, compiler,"
            " strict, retention) values (%s, 1, 'h', 's', 'f', '0', true, %s)",
            *[str(number)] * 3,
            retention,
        )
    assert call("select array[effects, journal]::text[] from pawl.retention()") == list(kept)


def journal(call: Call, age: str) -> None:
    """One row so old, in a month of its own."""
    call(
        """
        do $do$
        declare
          v_month timestamp := date_trunc('month', (now() - interval '%s') at time zone 'utc');
        begin
          perform pawl.make_journal_partition(
            to_char(v_month, '"journal_"YYYY_MM'),
            v_month at time zone 'utc', (v_month + interval '1 month') at time zone 'utc');
          insert into pawl.journal (machine, iid, seq, at, version, trusted, event, state, caller)
          values ('m', 1, 1, v_month at time zone 'utc', 1, true, '{}', '{a}', 'x');
        end
        $do$
        """.replace("%s", age)
    )


def test_the_journal_is_kept_for_ever_unless_every_machine_says_how_long(door: Call) -> None:
    journal(door, "10 years")
    assert door("select pawl.sweep()")["retired"] == 0
    assert door("select count(*) from pawl.journal where machine = 'm'") == 1


def test_a_month_of_the_journal_goes_when_all_of_it_is_old(door: Call) -> None:
    door("update pawl.version set retention = '90 days'")
    journal(door, "1 year")
    journal(door, "100 days")
    assert door("select pawl.sweep()")["retired"] == 1
    assert door("select count(*) from pawl.journal where machine = 'm'") == 1
    assert door("select pawl.sweep()")["dropped"] == 1
    months = door(NAMES, "pawl.journal")
    assert len(months) == 1 + 1 + 4, "the default one, the young one, this month and three ahead"
