"""`pawl rescue`: one that a migration has left behind is retried, forced or passed over."""

from __future__ import annotations

import psycopg
import pytest

from tests.cli.conftest import Pawl
from tests.cli.test_migrate import parcels

__all__ = ["parcels"]


@pytest.fixture
def failed(parcels: Pawl) -> Pawl:
    """`c` weighs 3, for which version 2 has no size: it could not be migrated."""
    assert parcels("migrate", "parcel", "--to", "2").code == 1
    return parcels


def row(connection: psycopg.Connection) -> tuple[object, ...]:
    found = connection.execute(
        "select version, state, needs_rescue is not null from pawl_parcel.instance where id = 'c'"
    ).fetchone()
    assert found is not None
    return found


def test_the_list_says_who_and_why(failed: Pawl) -> None:
    (one,) = failed("rescue", "list", "parcel", "--json").json
    assert (one["id"], one["version"], one["state"]) == ("c", 1, ["new"])
    assert "size" in one["reason"]
    assert failed("rescue", "list", "parcle").code == 1


def test_a_retry_moves_it_once_its_data_are_mended(
    failed: Pawl, connection: psycopg.Connection
) -> None:
    assert failed("rescue", "retry", "parcel", "--to", "2").code == 1
    assert row(connection) == (1, ["new"], True)
    connection.execute("update pawl_parcel.instance set weight = 4 where id = 'c'")
    assert failed("rescue", "retry", "parcel", "--to", "2").code == 0
    assert row(connection) == (2, ["fresh"], False)
    assert failed("rescue", "list", "parcel", "--json").json == []


def test_a_retry_leaves_those_alone_that_nothing_is_wrong_with(
    parcels: Pawl, connection: psycopg.Connection
) -> None:
    assert parcels("migrate", "parcel", "--to", "2", "--id", "c").code == 1
    assert parcels("rescue", "retry", "parcel", "--to", "2").code == 1
    versions = connection.execute("select version from pawl_parcel.instance").fetchall()
    assert versions == [(1,)] * 3


def test_one_is_forced_into_another_state_and_both_acts_are_journalled(
    failed: Pawl, connection: psycopg.Connection
) -> None:
    run = failed("rescue", "force", "parcel", "c", "--state", "packing", "--reason", "too odd")
    assert run.code == 0, run.err
    assert row(connection) == (1, ["packing"], False)
    acts = connection.execute(
        "select event ->> 'type', event ->> 'reason' from pawl.journal"
        " where event ->> 'type' like 'pawl.%' and state = '{packing}' or event ? 'failure'"
        " order by seq"
    ).fetchall()
    assert acts == [("pawl.rescue", "too odd"), ("pawl.force_state", "too odd")]


def test_a_state_that_its_version_lacks_changes_nothing(
    failed: Pawl, connection: psycopg.Connection
) -> None:
    run = failed("rescue", "force", "parcel", "c", "--state", "boxed", "--reason", "r", "--json")
    assert (run.code, run.error["code"]) == (1, "unknown_state")
    assert row(connection) == (1, ["new"], True)


def test_one_that_is_skipped_runs_on_and_is_tried_again_by_the_next_migration(
    failed: Pawl, connection: psycopg.Connection
) -> None:
    assert failed("rescue", "skip", "parcel", "c", "--reason", "it ends today").code == 0
    assert row(connection) == (1, ["new"], False)
    assert failed("send", "parcel", "c", "pack").code == 0
    again = failed("rescue", "skip", "parcel", "c", "--reason", "r", "--json")
    assert (again.code, again.error["code"]) == (1, "no_rescue")
    assert failed("migrate", "parcel", "--to", "2").code == 1
