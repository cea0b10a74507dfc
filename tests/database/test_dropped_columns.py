"""Columns that no version has any more are dropped when somebody says so, and no others."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from pawl.deploy import authorizers, columns, versions
from pawl.deploy.columns import Unused
from pawl.deploy.deploy import deploy
from pawl.deploy.errors import DeployRefused
from pawlc.compile import compile_machine, earlier_version
from tests.database.test_migrations import V1, V2, Connection, parcels, rows, send

__all__ = ["parcels"]

BEGIN, END = V2.index("migrate:"), V2.index("initial:")
V3 = V2.replace("version: 2", "version: 3").replace(V2[BEGIN:END], "migrate: { 2: {} }\n")
V3 = V3.replace("size: text not null check", "note: text not null default 'none', size: text check")


def third() -> Any:
    second = earlier_version(V2, "parcel.2.machine.yaml")
    assert second is not None
    return compile_machine(V3, "parcel.machine.yaml", earlier={2: second})


def second(text: str) -> Any:
    first = earlier_version(V1, "parcel.1.machine.yaml")
    assert first is not None
    return compile_machine(text, "parcel.machine.yaml", earlier={1: first})


@pytest.fixture
def collected(parcels: Connection) -> Connection:
    """Parcels of version 2; version 1, which alone has a `note`, was collected."""
    parcels.execute("select pawl.migrate_instances('parcel', 1, 2)")
    parcels.execute("select erase_instance('parcel', 'c')")
    assert versions.collect(parcels, "parcel") == (1,)
    return parcels


def attributes(connection: Connection) -> list[str]:
    found = connection.execute(
        "select attname::text from pg_attribute where attnum > 0 and not attisdropped"
        " and attrelid = 'pawl_parcel.instance'::regclass and attname <> all (%s)",
        (["version"],),
    ).fetchall()
    return [name for (name,) in found]


def test_what_only_collected_versions_have_is_listed_with_how_many_values(
    parcels: Connection,
) -> None:
    assert columns.unused(parcels, "parcel") == ()
    assert columns.unused(parcels, "parcel", also=(1,)) == (Unused("note", (1,), 3),)


def test_a_column_is_dropped_and_sessions_that_were_connected_go_on(
    collected: Connection, database: str
) -> None:
    with psycopg.connect(database, autocommit=True) as other:
        for event in ("undo", "pack", "undo", "pack", "undo", "pack", "undo"):
            send(other, "b", event)
        assert columns.drop(collected, "parcel", "note") is None
        assert "note" not in attributes(collected)
        assert columns.unused(collected, "parcel") == ()
        assert send(other, "b", "pack")["state"] == ["boxed"]
        other.execute("""select create_instance('parcel', 'd', '{"weight": 1, "size": "s"}')""")
        assert rows(other, "id, size") == [("a", "small"), ("b", "big"), ("d", "s")]


def test_a_column_that_a_version_left_has_and_one_that_is_not_ours_stay(
    collected: Connection,
) -> None:
    collected.execute("alter table pawl_parcel.instance add column theirs int")
    for column in ("weight", "size", "theirs", "state"):
        assert columns.drop(collected, "parcel", column) is None
        assert column in attributes(collected)


def test_a_column_on_which_a_view_depends_stays_and_the_view_is_named(
    collected: Connection,
) -> None:
    collected.execute("create view public.notes as select note from pawl_parcel.instance")
    why = columns.drop(collected, "parcel", "note")
    assert why == "view notes depends on column note of table pawl_parcel.instance"
    assert "note" in attributes(collected)


def test_while_a_deploy_is_under_way_nothing_is_dropped(collected: Connection) -> None:
    collected.execute("""update pawl.machine set preparing = '{"hash": "h", "columns": []}'""")
    with pytest.raises(DeployRefused, match="was begun and has not ended"):
        columns.drop(collected, "parcel", "note")


def test_a_further_version_may_have_a_field_of_that_name_again(collected: Connection) -> None:
    columns.drop(collected, "parcel", "note")
    deployed = deploy(collected, third())
    assert "note" in deployed.added
    collected.execute("select pawl.migrate_instances('parcel', 2, 3)")
    assert rows(collected, "version, note") == [(3, "none"), (3, "none")]
    assert send(collected, "a", "pack")["version"] == 3


def test_a_further_version_takes_a_column_that_was_kept(collected: Connection) -> None:
    deployed = deploy(collected, third())
    assert "note" not in deployed.added
    assert columns.unused(collected, "parcel") == ()
    create_again = "select create_instance('parcel', 'd', '{\"weight\": 1}')"
    collected.execute(create_again.encode())
    assert rows(collected, "note")[-1] == ("none",)


def migrations(connection: Connection) -> list[str]:
    found = connection.execute(
        "select proname from pg_proc where pronamespace = 'pawl_parcel'::regnamespace"
        " and proname ~ '_migrate_' order by proname"
    ).fetchall()
    return [name for (name,) in found]


def test_a_version_put_anew_does_not_migrate_from_one_that_was_collected(
    collected: Connection,
) -> None:
    columns.drop(collected, "parcel", "note")
    assert migrations(collected) == []
    versions.regenerate(collected, second(V2))
    assert migrations(collected) == []
    admitted = V2.replace("authorize: {}", "authorize: { send: { pack: true } }")
    authorizers.replace(collected, second(admitted))
    assert migrations(collected) == []
    assert send(collected, "b", "undo")["state"] == ["fresh"]


def test_a_further_version_migrates_from_those_only_that_are_there(collected: Connection) -> None:
    columns.drop(collected, "parcel", "note")
    both = V2.replace("version: 2", "version: 3").replace("migrate:", "migrate:\n  2: {}")
    known: dict[int, Any] = {}
    for number, text in ((1, V1), (2, V2)):
        known[number] = earlier_version(text, f"parcel.{number}.machine.yaml", earlier=known)
    deploy(collected, compile_machine(both, "parcel.machine.yaml", earlier=known))
    assert migrations(collected) == ["v3_migrate_batch_from_2", "v3_migrate_from_2"]


def test_what_is_done_to_the_machine_as_a_whole_is_journalled(parcels: Connection) -> None:
    versions.make_current(parcels, "parcel", 1)
    versions.make_current(parcels, "parcel", 2)
    versions.migrate_lazily(parcels, "parcel", 2)
    versions.migrate_lazily(parcels, "parcel", 2, lazily=False)
    versions.regenerate(parcels, second(V2))
    parcels.execute("select pawl.migrate_instances('parcel', 1, 2)")
    parcels.execute("select erase_instance('parcel', 'c')")
    versions.collect(parcels, "parcel", dry_run=True)
    versions.collect(parcels, "parcel")
    columns.drop(parcels, "parcel", "note")
    columns.drop(parcels, "parcel", "weight")
    found = parcels.execute(
        "select version, event, caller = session_user, trusted from pawl.journal"
        " where iid = 0 order by at"
    ).fetchall()
    assert found == [
        (1, {"type": "pawl.current", "from": 2}, True, True),
        (2, {"type": "pawl.current", "from": 1}, True, True),
        (1, {"type": "pawl.lazy", "to": 2, "lazy": True}, True, True),
        (1, {"type": "pawl.lazy", "to": 2, "lazy": False}, True, True),
        (2, {"type": "pawl.regenerate"}, True, True),
        (1, {"type": "pawl.collect"}, True, True),
        (1, {"type": "pawl.drop_column", "column": "note", "versions": [1]}, True, True),
    ]
