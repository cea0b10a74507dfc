"""Instances that are migrated when they are touched, and not before."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from pawl.deploy import versions
from pawl.deploy.deploy import deploy
from pawlc.compile import compile_machine, earlier_version
from tests.database.test_migrations import V2, Connection, create, parcels, rows, send

__all__ = ["parcels"]

NOTES = """\
select event ->> 'type' from pawl.journal as j join pawl_parcel.instance as i using (iid)
where i.id = %s order by j.seq"""


@pytest.fixture
def lazy(parcels: Connection) -> Connection:
    """Parcels of version 1 that go to version 2 when they are touched; `c` cannot."""
    assert versions.migrate_lazily(parcels, "parcel", 2) == ((1, 2),)
    return parcels


def version(connection: Connection, id: str) -> int:
    row = connection.execute("select version from pawl_parcel.instance where id = %s", (id,))
    return int((row.fetchone() or (0,))[0])


def test_nobody_is_moved_before_an_event_comes(lazy: Connection) -> None:
    assert rows(lazy, "id, version") == [("a", 1), ("b", 1), ("c", 1)]
    reply = send(lazy, "b", "undo")
    assert (reply["version"], reply["state"]) == (2, ["fresh"])
    assert rows(lazy, "id, version") == [("a", 1), ("b", 2), ("c", 1)]
    assert [type for (type,) in lazy.execute(NOTES, ("b",))][-2:] == ["pawl.migrate", "undo"]


def test_an_event_that_the_new_version_refuses_moves_nobody(lazy: Connection) -> None:
    with pytest.raises(psycopg.Error, match="does not take"):
        send(lazy, "a", "undo")
    assert version(lazy, "a") == 1


def test_one_that_cannot_be_moved_takes_the_event_in_its_own_version(lazy: Connection) -> None:
    reply = send(lazy, "c", "pack")
    assert (reply["version"], reply["state"]) == (1, ["packing"])
    assert rows(lazy, "needs_rescue is not null")[2] == (True,)
    assert send(lazy, "c", "undo")["state"] == ["new"]


def test_a_timer_fires_as_its_version_has_it_and_then_the_instance_is_moved(
    lazy: Connection,
) -> None:
    lazy.execute("select pawl.advance_clock('3 days')")
    lazy.execute("select pawl.fire_due_timers()")
    assert rows(lazy, "version, state, status")[0] == (1, ["gone"], "done")
    claimed = lazy.execute(
        "select effect_id, token, id from pawl.claim_effects('w', array['label'])"
    ).fetchall()
    assert claimed == []


def test_an_answer_moves_the_instance(lazy: Connection) -> None:
    for effect_id, token in lazy.execute(
        "select effect_id, token from pawl.claim_effects('w', array['label'])"
    ).fetchall():
        lazy.execute("select pawl.complete_effect(%s, %s)", (effect_id, token))
    assert version(lazy, "a") == 2


def test_it_may_be_called_off(lazy: Connection) -> None:
    versions.migrate_lazily(lazy, "parcel", 2, lazily=False)
    assert send(lazy, "a", "pack")["version"] == 1


def test_the_current_version_may_be_the_one_that_is_left(lazy: Connection) -> None:
    versions.make_current(lazy, "parcel", 1)
    create(lazy, "d")
    assert send(lazy, "d", "pack")["version"] == 2


def test_it_goes_on_after_a_further_deploy_and_through_several_versions(lazy: Connection) -> None:
    second = earlier_version(V2, "parcel.2.machine.yaml")
    assert second is not None
    begin, end = V2.index("migrate:"), V2.index("initial:")
    third = V2.replace("version: 2", "version: 3")
    third = third.replace(V2[begin:end], "migrate: { 2: {} }\n")
    compiled: Any = compile_machine(third, "parcel.machine.yaml", earlier={2: second})
    deploy(lazy, compiled)
    assert send(lazy, "b", "undo")["version"] == 2
    assert versions.migrate_lazily(lazy, "parcel", 3) == ((1, 2), (2, 3))
    assert send(lazy, "a", "pack")["version"] == 3
    assert send(lazy, "b", "pack")["version"] == 3


def test_a_session_with_warm_plans_follows(parcels: Connection, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as other:
        for event in ("pack", "undo", "pack", "undo", "pack", "undo"):
            assert send(other, "a", event)["version"] == 1
        versions.migrate_lazily(parcels, "parcel", 2)
        assert send(other, "a", "pack")["version"] == 2
