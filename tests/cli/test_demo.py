"""The demo, played on a real database: what it claims is what happens."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pawl import demo
from pawl.demo import Answer, Beat, Refusal
from pawl.demo.upgrade import Counted
from tests.cli.conftest import Pawl


@pytest.fixture
def beats(bare_database: str) -> Iterator[tuple[Beat, ...]]:
    """All beats, played in a database of their own, with a role of their own."""
    role = f"pawl_demo_{os.getpid()}"
    with psycopg.connect(bare_database, autocommit=True) as connection:
        yield tuple(demo.play(connection, role))
        connection.execute(f"drop owned by {role}; drop role {role}".encode())


def test_the_story_refuses_what_it_should_with_readable_reasons(beats: tuple[Beat, ...]) -> None:
    refused = [(b.sqlstate, b.message) for b in beats if isinstance(b, Refusal)]
    assert [state for state, _ in refused] == [
        "PT403",  # Ann orders for Eve
        "PT403",  # Ann accepts herself
        "PT404",  # a stranger accepts
        "PT422",  # 900 minutes
        "PT409",  # a second accept
        "PT409",  # a courier too early
        "PT404",  # a courier who declined
        "PT409",  # after the end
    ]
    assert refused[0][1] == 'you may not create order "o-99"'
    assert refused[4][1] == 'order "o-17" does not take "accept" in state "preparing"'


def test_the_story_ends_with_one_order_delivered_and_one_rejected(beats: tuple[Beat, ...]) -> None:
    orders = [
        b for b in beats if isinstance(b, Answer) and b.sql.startswith("select o.id, o.state")
    ]
    assert [(row[0], row[1], row[-1]) for row in orders[-1].rows] == [
        ("o-17", ["delivered"], None),
        ("o-18", ["rejected"], "no answer"),
    ]
    timers = [b for b in beats if isinstance(b, Answer) and "due_in" in b.columns]
    assert [len(beat.rows) for beat in timers] == [1, 1, 0]


def test_every_client_acts_in_the_client_role(beats: tuple[Beat, ...]) -> None:
    sent = [b.sql for b in beats if isinstance(b, Answer | Refusal) and "send_event" in b.sql]
    assert len(sent) > 8
    assert all(f"set local role pawl_demo_{os.getpid()};" in statement for statement in sent)


def test_the_command_plays_it_on_a_postgres_of_its_own_and_leaves_nothing(pawl: Pawl) -> None:
    run = pawl("demo")
    assert (run.code, run.err) == (0, "")
    assert "select send_event('order', 'o-17', '{\"type\": \"accept\"" in run.out
    assert "refused [PT409]" in run.out
    assert list(Path().iterdir()) == []


def test_the_upgrade_moves_every_order_and_nothing_is_lost_or_sent_twice(pawl: Pawl) -> None:
    run = pawl("demo", "upgrade", "--orders", "100", "--json")
    assert run.code == 0, run.err
    counted = run.json
    assert counted["good"]
    assert counted["orders"] == 100
    assert 0 < counted["moved"][1] <= counted["moved"][0] <= 100
    assert counted["events"] > 0
    assert counted["effects"] > 0
    wrong = ("left", "lost", "taken_twice", "not_performed", "sent_twice")
    assert {name: counted[name] for name in wrong} == dict.fromkeys(wrong, 0)
    assert counted["refused"] == []
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    "wrong",
    [{"lost": 1}, {"taken_twice": 1}, {"sent_twice": 1}, {"left": 1}, {"refused": ("no",)}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_the_upgrade_is_not_good_if_one_count_is_wrong(wrong: dict[str, Any]) -> None:
    good = Counted(
        orders=2,
        moved=(2, 2),
        left=0,
        migrating=1.0,
        events=2,
        refused=(),
        lost=0,
        taken_twice=0,
        effects=2,
        not_performed=0,
        sent_twice=0,
    )
    assert good.is_good
    assert not replace(good, **wrong).is_good
