"""`pawl migrate`, as somebody at a terminal calls it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import Pawl
from tests.database.test_going_back import V2 as V2_BACK
from tests.database.test_going_back import V3 as V3_BACK
from tests.database.test_migrations import V1, V2


@pytest.fixture
def parcels(online: Pawl) -> Pawl:
    """Instances of version 1: two in `new`, one of which cannot be migrated, one in `packing`."""
    file = Path("parcel.machine.yaml")
    file.write_text(V1)
    assert online("deploy", str(file)).code == 0
    for id, weight in (("a", 1), ("b", 20), ("c", 3)):
        assert online("create", "parcel", id, f"weight={weight}", "note=n").code == 0
    assert online("send", "parcel", "b", "pack").code == 0
    file.write_text(V2)
    assert online("deploy", str(file)).code == 0
    return online


def test_the_earlier_version_is_found_where_deploy_kept_it(parcels: Pawl) -> None:
    assert Path("versions/parcel.1.machine.yaml").read_text() == V1
    assert parcels("check", "parcel.machine.yaml").code == 0
    Path("versions/parcel.1.machine.yaml").unlink()
    run = parcels("check", "parcel.machine.yaml")
    assert run.code == 1
    assert "error[PW460]: there is no version 1 to migrate from" in run.err


def test_the_plan_says_what_becomes_of_each_state(parcels: Pawl) -> None:
    planned = parcels("migrate", "parcel", "--to", "2", "--plan", "--json").json
    assert planned["states"] == [
        {
            "from": 1,
            "to": 2,
            "before": ["new"],
            "if": "",
            "after": ["fresh"],
            "goes on": ["after.2 days.fresh", "label"],
            "begins": [],
        },
        {
            "from": 1,
            "to": 2,
            "before": ["packing"],
            "if": "",
            "after": ["boxed"],
            "goes on": [],
            "begins": ["after.1 hour.boxed", "scale"],
        },
    ]
    assert planned["fields"] == [
        {
            "from": 1,
            "to": 2,
            "field": "size",
            "becomes": "case when old.weight = 3 then 'odd' when old.we…",
        }
    ]


def test_the_plan_can_be_drawn(parcels: Pawl) -> None:
    drawn = parcels("migrate", "parcel", "--to", "2", "--diagram").out.splitlines()
    assert drawn[0] == "flowchart LR"
    assert drawn[-1] == '  b2 -- "begins after.1 hour.boxed, scale" --> a2'


def test_a_dry_run_counts_by_state_and_names_what_would_fail(parcels: Pawl) -> None:
    run = parcels("migrate", "parcel", "--to", "2", "--dry-run", "--json")
    counts = [(row["before"], row["after"], row["instances"], row["example"]) for row in run.json]
    assert counts == [
        (["new"], ["fresh"], 1, "a"),
        (["packing"], ["boxed"], 1, "b"),
        (["new"], None, 1, "c"),
    ]
    assert run.code == 1
    versions = parcels("versions", "parcel", "--json").json
    assert [(v["version"], v["running"]) for v in versions] == [(1, 3), (2, 0)]


def test_a_migration_moves_what_it_can_and_leaves_the_rest(parcels: Pawl) -> None:
    assert parcels("migrate", "parcel", "--to", "2", "--id", "a").code == 0
    assert parcels("migrate", "parcel", "--to", "2").code == 1
    versions = parcels("versions", "parcel", "--json").json
    assert [(v["version"], v["running"]) for v in versions] == [(1, 1), (2, 2)]
    again = parcels("migrate", "parcel", "--to", "2", "--json")
    assert (again.code, again.json) == (0, [])


def test_instances_two_versions_behind_go_through_the_one_between(
    parcels: Pawl, connection: psycopg.Connection
) -> None:
    migrations = V2[V2.index("migrate:") : V2.index("initial:")]
    third = V2.replace("version: 2", "version: 3").replace(migrations, "migrate: { 2: {} }\n")
    Path("parcel.machine.yaml").write_text(third)
    assert parcels("deploy", "parcel.machine.yaml").code == 0
    planned = parcels("migrate", "parcel", "--to", "3", "--plan", "--json").json["states"]
    assert [(row["from"], row["to"]) for row in planned] == [(1, 2), (1, 2), (2, 3), (2, 3)]
    asked = parcels("migrate", "parcel", "--to", "3", "--dry-run", "--json").json
    assert [(row["from"], row["to"], row["after"], row["effects"]) for row in asked] == [
        (1, 3, ["fresh"], 0),
        (1, 3, ["boxed"], 1),
        (1, 3, None, 0),
    ]
    assert asked[2]["reason"].endswith("at parcel.machine.yaml:3 (context size)")
    assert parcels("migrate", "parcel", "--to", "3", "--rate", "100000").code == 1
    rows = connection.execute(
        "select id, version, state, invokes from pawl_parcel.instance order by id"
    ).fetchall()
    assert rows == [
        ("a", 3, ["fresh"], {"label": 1}),
        ("b", 3, ["boxed"], {"scale": 3}),
        ("c", 1, ["new"], {"label": 1}),
    ]


def test_a_version_that_was_never_deployed_here_is_nowhere_on_the_way(online: Pawl) -> None:
    Path("versions").mkdir()
    Path("versions/parcel.1.machine.yaml").write_text(V1)
    Path("parcel.machine.yaml").write_text(V2)
    assert online("deploy", "parcel.machine.yaml").code == 0
    assert online("create", "parcel", "p", "weight=1", "size=big").code == 0
    migrations = V2[V2.index("migrate:") : V2.index("initial:")]
    third = V2.replace("version: 2", "version: 3").replace(migrations, "migrate: { 2: {} }\n")
    Path("parcel.machine.yaml").write_text(third)
    assert online("deploy", "parcel.machine.yaml").code == 0
    run = online("migrate", "parcel", "--to", "3", "--json")
    assert [(row["from"], row["instances"]) for row in run.json] == [(2, 1)]
    assert online("migrate", "parcel", "--to", "2", "--json").error["code"] == "no_migration"


def test_a_version_that_nothing_migrates_to_is_refused(parcels: Pawl) -> None:
    run = parcels("migrate", "parcel", "--to", "1")
    assert run.code == 1
    assert run.err.startswith("error[no_migration]: no version of `parcel` migrates to version 1")


def test_a_condition_chooses_who_is_moved(parcels: Pawl, connection: psycopg.Connection) -> None:
    run = parcels("migrate", "parcel", "--to", "2", "--where", "weight % 20 = 0", "--json")
    assert [(row["example"], row["instances"]) for row in run.json] == [("b", 1)]
    rows = connection.execute("select id, version from pawl_parcel.instance order by id").fetchall()
    assert rows == [("a", 1), ("b", 2), ("c", 1)]


@pytest.mark.parametrize(
    "where",
    ["true) or (true", "weight = 1; drop table x", "weight = 1, 2", "select 1", "", "weight ="],
)
def test_what_is_no_condition_is_refused_before_anything_is_asked(
    parcels: Pawl, where: str
) -> None:
    run = parcels("migrate", "parcel", "--to", "2", "--where", where, "--json")
    assert (run.code, run.error["code"]) == (1, "malformed_condition")


def test_a_condition_that_writes_writes_nothing(
    parcels: Pawl, connection: psycopg.Connection
) -> None:
    connection.execute(
        "create function public.sly() returns boolean language plpgsql as"
        " 'begin delete from pawl_parcel.instance; return true; end'"
    )
    run = parcels("migrate", "parcel", "--to", "2", "--where", "public.sly()", "--json")
    assert (run.code, run.error["code"]) == (1, "25006")
    assert connection.execute("select count(*) from pawl_parcel.instance").fetchone() == (3,)


def test_a_comment_in_a_condition_hides_nothing(parcels: Pawl) -> None:
    run = parcels("migrate", "parcel", "--to", "2", "--where", "id = 'a' -- and more", "--json")
    assert [row["example"] for row in run.json] == ["a"]


def test_a_lazy_migration_moves_who_is_touched(parcels: Pawl) -> None:
    decided = parcels("migrate", "parcel", "--to", "2", "--lazy", "--json").json
    assert decided == [{"from": 1, "to": 2, "lazy": True, "instances": 3}]
    assert parcels("send", "parcel", "b", "undo", "--json").json["version"] == 2
    assert parcels("show", "parcel", "a", "--json").json["version"] == 1
    assert parcels("migrate", "parcel", "--to", "2", "--no-lazy").code == 0
    assert parcels("send", "parcel", "a", "pack", "--json").json["version"] == 1


@pytest.fixture
def three(online: Pawl) -> Pawl:
    """`a` is of version 1, `b` and `c` of version 3; every version says how to go back."""
    for text in (V1, V2_BACK, V3_BACK):
        Path("parcel.machine.yaml").write_text(text)
        assert online("deploy", "parcel.machine.yaml").code == 0
        if text == V1:
            for id in ("a", "b", "c"):
                assert online("create", "parcel", id, "weight=1", "note=n").code == 0
    assert online("migrate", "parcel", "--to", "3", "--where", "id > 'a'").code == 0
    return online


def versions(pawl: Pawl) -> list[tuple[int, int]]:
    return [(v["version"], v["running"]) for v in pawl("versions", "parcel", "--json").json]


def test_a_version_between_brings_earlier_ones_on_and_says_who_stays(three: Pawl) -> None:
    run = three("migrate", "parcel", "--to", "2")
    assert run.code == 0
    assert "instances of version 3 that stay there: 2; `--back` would take these back" in run.err
    assert versions(three) == [(1, 0), (2, 1), (3, 2)]


def test_nobody_goes_back_unless_it_is_asked(three: Pawl) -> None:
    assert three("migrate", "parcel", "--to", "2").code == 0
    for further in ((), ("--dry-run",), ("--plan",), ("--diagram",), ("--lazy",)):
        run = three("migrate", "parcel", "--to", "1", *further, "--json")
        assert (run.code, run.error["code"]) == (1, "back_not_asked")
        assert run.error["message"].endswith("have instances: 1 of version 2, 2 of version 3")
    assert versions(three) == [(1, 0), (2, 1), (3, 2)]
    assert three("migrate", "parcel", "--to", "1", "--back", "--rate", "0").code == 0
    assert versions(three) == [(1, 3), (2, 0), (3, 0)]


def test_whoever_takes_some_back_brings_nobody_on(three: Pawl) -> None:
    run = three("migrate", "parcel", "--to", "2", "--back", "--json")
    assert [(row["from"], row["to"], row["instances"]) for row in run.json] == [(3, 2, 2)]
    assert versions(three) == [(1, 1), (2, 2), (3, 0)]


def test_the_plan_and_the_lazy_way_go_one_direction_too(three: Pawl) -> None:
    for further, steps in (((), {(1, 2)}), (("--back",), {(3, 2)})):
        planned = three("migrate", "parcel", "--to", "2", "--plan", *further, "--json").json
        assert {(row["from"], row["to"]) for row in planned["states"]} == steps
        lazy = three("migrate", "parcel", "--to", "2", "--lazy", *further, "--json").json
        assert {(row["from"], row["to"]) for row in lazy} == steps


def test_from_the_newest_version_nothing_comes_back(three: Pawl) -> None:
    run = three("migrate", "parcel", "--to", "3", "--back")
    assert run.code == 1
    assert "`parcel` has no version later than 3, to come back from" in run.err


def test_a_rescue_goes_back_only_when_it_is_asked(
    three: Pawl, connection: psycopg.Connection
) -> None:
    connection.execute("update pawl_parcel.instance set needs_rescue = 'no' where id = 'b'")
    run = three("rescue", "retry", "parcel", "--to", "1", "--json")
    assert (run.code, run.error["code"]) == (1, "back_not_asked")
    run = three("rescue", "retry", "parcel", "--to", "2", "--back", "--json")
    assert [(row["from"], row["to"], row["example"]) for row in run.json] == [(3, 2, "b")]
