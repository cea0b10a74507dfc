"""`pawl versions` and `deploy --regenerate`: what becomes of versions that are deployed."""

from __future__ import annotations

from pathlib import Path

import psycopg

from tests.cli.conftest import Pawl
from tests.cli.test_migrate import parcels
from tests.database.test_migrations import V1, V2

__all__ = ["parcels"]

FUNCTIONS = """\
select count(*) from pg_proc
where pronamespace = 'pawl_parcel'::regnamespace and proname ~ %s"""


def functions(connection: psycopg.Connection, pattern: str) -> int:
    row = connection.execute(FUNCTIONS, (pattern,)).fetchone()
    assert row is not None
    return int(row[0])


def finish(connection: psycopg.Connection) -> None:
    """Every parcel of version 1 goes away: migrated, or erased."""
    connection.execute("select pawl.migrate_instances('parcel', 1, 2)")
    connection.execute("select erase_instance('parcel', 'c')")


def test_new_instances_take_the_version_that_is_made_current(parcels: Pawl) -> None:
    back = parcels("versions", "current", "parcel", "1", "--json").json
    assert [(v["version"], v["current"]) for v in back] == [(1, True), (2, False)]
    assert parcels("create", "parcel", "d", "weight=1", "note=n", "--json").json["version"] == 1
    assert parcels("versions", "current", "parcel", "2").code == 0
    assert parcels("create", "parcel", "e", "weight=1", "size=s", "--json").json["version"] == 2
    run = parcels("versions", "current", "parcel", "9", "--json")
    assert (run.code, run.error["code"]) == (1, "unknown_version")


def test_list_may_be_left_out(parcels: Pawl) -> None:
    assert parcels("versions", "parcel").out == parcels("versions", "list", "parcel").out
    assert parcels("versions", "--json", "parcel").json[0]["version"] == 1


def test_a_version_that_nobody_has_is_collected(
    parcels: Pawl, connection: psycopg.Connection
) -> None:
    assert parcels("versions", "collect", "parcel", "--json").json == []
    assert functions(connection, "^v1_") > 5
    finish(connection)
    collected = parcels("versions", "collect", "parcel", "--json").json
    assert [row["version"] for row in collected] == [1]
    assert functions(connection, "^v1_|_from_1$") == 0
    assert [v["version"] for v in parcels("versions", "parcel", "--json").json] == [2]
    assert parcels("send", "parcel", "b", "undo").code == 0
    assert parcels("create", "parcel", "d", "weight=1", "size=s").code == 0
    for command in (("versions", "current", "parcel", "1"), ("migrate", "parcel", "--to", "1")):
        run = parcels(*command, "--json")
        assert (run.code, run.error["code"]) == (1, "unknown_version")


def test_columns_are_dropped_only_when_somebody_says_so(
    parcels: Pawl, connection: psycopg.Connection
) -> None:
    finish(connection)
    tried = parcels("versions", "collect", "parcel", "--columns", "--dry-run", "--json").json
    assert [(row["versions"], row["column"], row["values"], row["outcome"]) for row in tried] == [
        ([1], None, None, "would be collected"),
        ([1], "note", 2, "would be dropped"),
    ]
    run = parcels("versions", "collect", "parcel")
    assert "no version has these columns any more: note" in run.err
    there = "select note from pawl_parcel.instance where id = 'a'"
    assert connection.execute(there).fetchone() == ("n",)
    connection.execute("create view public.notes as select note from pawl_parcel.instance")
    run = parcels("versions", "collect", "parcel", "--columns", "--json")
    assert run.code == 1
    assert [row["outcome"] for row in run.json] == [
        "view notes depends on column note of table pawl_parcel.instance"
    ]
    connection.execute("drop view public.notes")
    done = parcels("versions", "collect", "parcel", "--columns", "--json").json
    assert [(row["column"], row["outcome"]) for row in done] == [("note", "dropped")]
    assert parcels("send", "parcel", "a", "pack").code == 0


def test_a_collected_version_is_not_deployed_again_and_a_further_one_is(
    parcels: Pawl, connection: psycopg.Connection
) -> None:
    finish(connection)
    assert parcels("versions", "collect", "parcel").code == 0
    Path("parcel.machine.yaml").write_text(V1)
    assert parcels("deploy", "parcel.machine.yaml").code == 1
    migrations = V2[V2.index("migrate:") : V2.index("initial:")]
    third = V2.replace("version: 2", "version: 3").replace(migrations, "migrate: { 2: {} }\n")
    Path("parcel.machine.yaml").write_text(third)
    assert parcels("deploy", "parcel.machine.yaml").code == 0
    assert parcels("migrate", "parcel", "--to", "3").code == 0
    assert parcels("send", "parcel", "b", "undo").code == 0


def test_a_version_that_others_go_through_is_kept(
    parcels: Pawl, connection: psycopg.Connection
) -> None:
    migrations = V2[V2.index("migrate:") : V2.index("initial:")]
    third = V2.replace("version: 2", "version: 3").replace(migrations, "migrate: { 2: {} }\n")
    Path("parcel.machine.yaml").write_text(third)
    assert parcels("deploy", "parcel.machine.yaml").code == 0
    assert parcels("versions", "collect", "parcel", "--json").json == []
    finish(connection)
    connection.execute("select pawl.migrate_instances('parcel', 2, 3)")
    collected = parcels("versions", "collect", "parcel", "--json").json
    assert [row["version"] for row in collected] == [1, 2]


def test_an_effect_of_a_collected_version_is_still_performed(
    parcels: Pawl, connection: psycopg.Connection
) -> None:
    finish(connection)
    parcels("versions", "collect", "parcel")
    claimed = connection.execute(
        "select effect_id, token, version, id from pawl.claim_effects('w', array['label'])"
    ).fetchall()
    assert [(version, id) for _, _, version, id in claimed] == [(1, "a")]
    effect_id, token, *_ = claimed[0]
    connection.execute("select pawl.complete_effect(%s, %s)", (effect_id, token))
    found = connection.execute("select invokes from pawl_parcel.instance where id = 'a'").fetchone()
    assert found == ({},)


def test_functions_are_put_anew_from_the_same_definition(
    parcels: Pawl, connection: psycopg.Connection
) -> None:
    broken = "create or replace function pawl_parcel.v1_broken() returns int language sql return 1"
    connection.execute(broken)
    connection.execute("alter function pawl_parcel.v1_broken() owner to pawl_owner")
    connection.execute("update pawl.version set compiler = 'old', sql = '' where version = 1")
    kept = "versions/parcel.1.machine.yaml"
    tried = parcels("deploy", "--regenerate", "--dry-run", kept)
    assert tried.code == 0
    assert functions(connection, "^v1_broken$") == 1
    done = parcels("deploy", "--regenerate", kept, "--json").json
    assert [(d["version"], d["outcome"]) for d in done] == [(1, "regenerated")]
    assert functions(connection, "^v1_broken$") == 0
    stands = connection.execute(
        "select compiler = 'old', sql = '' from pawl.version where version = 1"
    ).fetchone()
    assert stands == (False, False)
    current = connection.execute("select current_version from pawl.machine").fetchone()
    assert current == (2,)
    assert parcels("send", "parcel", "a", "pack").code == 0


def test_another_definition_is_not_put_in_the_place_of_a_deployed_one(parcels: Pawl) -> None:
    Path("other.machine.yaml").write_text(V1 + "# touched\n")
    run = parcels("deploy", "--regenerate", "other.machine.yaml", "--json")
    assert (run.code, run.error["code"]) == (1, "version_exists")
    Path("other.machine.yaml").write_text(V1.replace("version: 1", "version: 7"))
    run = parcels("deploy", "--regenerate", "other.machine.yaml", "--json")
    assert (run.code, run.error["code"]) == (1, "version_absent")
