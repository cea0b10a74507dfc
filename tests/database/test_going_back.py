"""Instances go back to an earlier version, as the later one's `back` says."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from pawl.deploy import migration, versions
from pawl.deploy.deploy import deploy
from pawl.deploy.errors import DeployRefused
from pawl.deploy.migration import Choice
from pawlc.compile import Compiled, Earlier, compile_machine, earlier_version
from tests.database.test_migrations import V1, Connection, create, parcels, rows, send
from tests.database.test_migrations import V2 as ONE_WAY

__all__ = ["parcels"]

BACK = """\
    back:
      states: { fresh: new, boxed: [{ guard: old.size = 'lost', target: new }, packing] }
      context: { note: "'was ' || old.size" }
      invokes: { label: start }
      timers: { after.2 days.new: start }
"""
V2 = ONE_WAY.replace("initial: fresh", f"{BACK}initial: fresh")
V3 = """\
machine: parcel
version: 3
context: { weight: numeric not null, size: text not null }
input: [weight, size]
events: { pack: {}, undo: {}, send: {} }
authorize: {}
effects: { label: {} }
migrate:
  2:
    states: { boxed: fresh }
    context: { weight: old.weight }
    timers: { after.2 days.fresh: start }
    invokes: { label: start }
    back:
      context: { weight: old.weight::int }
initial: fresh
states:
  fresh: { on: { pack: gone }, after: { 2 days: gone }, invoke: { src: label, id: label } }
  gone: { type: final }
"""


def version(text: str, earlier: dict[int, Earlier]) -> Compiled:
    return compile_machine(text, "parcel.machine.yaml", earlier=earlier)


def known(*texts: str) -> dict[int, Earlier]:
    found: dict[int, Earlier] = {}
    for number, text in enumerate(texts, 1):
        one = earlier_version(text, f"parcel.{number}.machine.yaml", earlier=found)
        assert one is not None
        found[number] = one
    return found


def go(
    connection: Connection, to: int, choice: Choice | None = None, *, back: bool = False
) -> list[Any]:
    """Move everybody on, or back: id, before, after and why not."""
    return [
        (one.id, one.before, one.after, one.reason)
        for step in migration.steps(connection, "parcel", to, back=back)
        for batch in migration.batches(connection, "parcel", step, choice or Choice())
        for one in batch
    ]


@pytest.fixture
def both(connection: Connection) -> Connection:
    """`a`, and `b` in `packing`, which were moved to version 2, where `born` was created."""
    deploy(connection, compile_machine(V1, "parcel.machine.yaml"))
    for id, weight in (("a", 1), ("b", 20)):
        create(connection, id, weight)
    send(connection, "b", "pack")
    deploy(connection, version(V2, known(V1)))
    go(connection, 2)
    connection.execute("""select create_instance('parcel', 'born', '{"weight": 2, "size": "s"}')""")
    return connection


def test_states_and_fields_become_the_earlier_versions_again(both: Connection) -> None:
    assert go(both, 1, back=True) == [
        ("a", ["fresh"], ["new"], None),
        ("b", ["boxed"], ["packing"], None),
        ("born", ["fresh"], ["new"], None),
    ]
    assert rows(both, "id, version, state, note, weight") == [
        ("a", 1, ["new"], "was small", 1),
        ("b", 1, ["packing"], "was big", 20),
        ("born", 1, ["new"], "was s", 2),
    ]
    assert send(both, "b", "undo")["state"] == ["new"]
    assert send(both, "born", "pack")["state"] == ["packing"]


def test_timers_and_invokes_go_on_and_nothing_is_sent_twice(both: Connection) -> None:
    due = "select due_at from pawl.timer where name like 'after.2 days%' order by iid limit 1"
    before = both.execute(due).fetchone()
    effects = both.execute("select count(*) from pawl.outbox").fetchone()
    go(both, 1, back=True)
    assert rows(both, "timers, invokes")[0] == ({"after.2 days.new": 1}, {"label": 1})
    assert rows(both, "timers, invokes")[1] == ({}, {})
    assert both.execute(due).fetchone() == before
    assert both.execute("select count(*) from pawl.outbox").fetchone() == effects
    for effect_id, token in both.execute(
        "select effect_id, token from pawl.claim_effects('w', array['label'])"
    ).fetchall():
        both.execute("select pawl.complete_effect(%s, %s)", (effect_id, token))
    assert rows(both, "invokes")[0] == ({},)


def test_each_step_back_is_journalled_with_the_version_it_leads_to(both: Connection) -> None:
    go(both, 1, Choice(id="b"), back=True)
    found = both.execute(
        "select version, state, event from pawl.journal where event ->> 'from_version' = '2'"
    ).fetchall()
    event = {"type": "pawl.migrate", "from": ["boxed"], "to": ["packing"], "from_version": 2}
    assert found == [(1, ["packing"], event)]


def test_a_dry_run_a_condition_and_a_share_choose_as_onwards(both: Connection) -> None:
    dry = go(both, 1, Choice(dry_run=True), back=True)
    assert [after for _, _, after, _ in dry] == [["new"], ["packing"], ["new"]]
    assert rows(both, "version") == [(2,), (2,), (2,)]
    assert [id for id, *_ in go(both, 1, Choice(where="size = 'big'"), back=True)] == ["b"]
    assert go(both, 1, Choice(fraction=0), back=True) == []


def test_one_that_cannot_go_back_stays_runs_on_and_is_rescued(both: Connection) -> None:
    both.execute("alter table pawl_parcel.instance add constraint small check (note <> 'was big')")
    assert [(id, reason is None) for id, _, _, reason in go(both, 1, back=True)] == [
        ("a", True),
        ("b", False),
        ("born", True),
    ]
    assert rows(both, "version, needs_rescue is not null")[1] == (2, True)
    assert send(both, "b", "undo")["state"] == ["fresh"]
    both.execute("alter table pawl_parcel.instance drop constraint small")
    assert go(both, 1, back=True) == []
    assert go(both, 1, Choice(rescue=True), back=True) == [("b", ["fresh"], ["new"], None)]


def test_what_the_later_version_alone_had_stays_in_its_column_and_is_not_read(
    both: Connection,
) -> None:
    go(both, 1, back=True)
    assert rows(both, "size") == [("small",), ("big",), ("s",)]
    both.execute("update pawl_parcel.instance set weight = 11 where id = 'a'")
    go(both, 2)
    assert rows(both, "size")[0] == ("big",)


def test_a_chain_goes_back_step_by_step_through_columns_of_other_types(both: Connection) -> None:
    deploy(both, version(V3, known(V1, V2)))
    go(both, 3)
    assert rows(both, "version, state, weight_3")[1] == (3, ["fresh"], 20)
    both.execute("update pawl_parcel.instance set weight_3 = 7.6 where id = 'b'")
    assert migration.steps(both, "parcel", 1, back=True) == ((3, 2), (2, 1))
    go(both, 1, back=True)
    assert rows(both, "version, state, weight, note")[1] == (1, ["new"], 8, "was big")


def test_without_a_way_back_it_is_refused_with_what_would_help(parcels: Connection) -> None:
    with pytest.raises(
        DeployRefused, match="no version of `parcel` migrates to version 1, or back"
    ):
        migration.steps(parcels, "parcel", 1, back=True)
    with pytest.raises(DeployRefused) as refused:
        migration.plan(parcels, "parcel", 1, back=True)
    assert "migrate: { 1: { back: … } }" in str(refused.value.hint)
    with pytest.raises(psycopg.Error, match="no migration from version 2 to version 1") as raised:
        parcels.execute("select pawl.migrate_instances('parcel', 2, 1)")
    assert raised.value.diag.message_hint == (
        'Version 2 needs "migrate: { 1: { back: … } }" in its definition.'
    )


def test_the_plan_of_an_earlier_version_shows_the_ways_back_to_it(both: Connection) -> None:
    planned = migration.plan(both, "parcel", 1, back=True)
    found = [
        (one.version, target.version, [(move.before, move.after) for move in one.moves])
        for target, one in planned
    ]
    assert found == [
        (2, 1, [(("fresh",), ("new",)), (("boxed",), ("new",)), (("boxed",), ("packing",))])
    ]


def test_the_later_versions_functions_are_put_anew_with_its_way_back(both: Connection) -> None:
    versions.regenerate(both, compile_machine(V1, "parcel.machine.yaml"))
    assert len(go(both, 1, back=True)) == 3
    versions.regenerate(both, version(V2, known(V1)))
    assert len(go(both, 2)) == 3
    assert len(go(both, 1, back=True)) == 3


def test_a_version_that_everybody_left_by_going_back_is_collected(both: Connection) -> None:
    versions.make_current(both, "parcel", 1)
    assert versions.collect(both, "parcel") == ()
    go(both, 1, back=True)
    assert versions.collect(both, "parcel") == (2,)
    left = both.execute(
        "select proname from pg_proc where pronamespace = 'pawl_parcel'::regnamespace"
        " and proname ~ '^v2_|_from_2$'"
    ).fetchall()
    assert left == []
    assert send(both, "a", "pack")["state"] == ["packing"]


def test_instances_go_back_when_they_are_touched(both: Connection) -> None:
    versions.migrate_lazily(both, "parcel", 2)
    assert versions.migrate_lazily(both, "parcel", 1, back=True) == ((2, 1),)
    assert send(both, "b", "undo")["version"] == 1
    assert rows(both, "version") == [(2,), (1,), (2,)]
    assert send(both, "b", "pack")["version"] == 1


LATER = """\
machine: kettle
version: 2
authorize: {}
events: { go: {}, whistle: {} }
migrate: { 1: { back: {} } }
initial: on
states:
  on:
    entry: { raise: { event: whistle, delay: 1 hour } }
    on: { whistle: off }
  off: { on: { go: on } }
"""
SILENT = """\
machine: kettle
version: 1
authorize: {}
events: { go: {}, whistle: {} }
initial: on
states:
  on: { on: { whistle: off } }
  off: { on: { go: on } }
"""
RINGING = SILENT.replace(
    "  on: { on: { whistle: off } }",
    "  on: { entry: { raise: { event: whistle, delay: 1 day } }, on: { whistle: off } }",
)


@pytest.mark.parametrize(("first", "state"), [(SILENT, "on"), (RINGING, "off")])
def test_a_delayed_event_goes_back_only_to_a_version_that_has_such(
    connection: Connection, first: str, state: str
) -> None:
    deploy(connection, compile_machine(first, "kettle.machine.yaml"))
    before = earlier_version(first, "kettle.1.machine.yaml")
    assert before is not None
    second = compile_machine(LATER, "kettle.machine.yaml", earlier={1: before})
    assert ("PW465" in {d.code for d in second.warnings}) is (first == SILENT)
    deploy(connection, second)
    connection.execute("select create_instance('kettle', 'k')")
    connection.execute("select pawl.migrate_instances('kettle', 2, 1)")
    connection.execute("select pawl.advance_clock('2 hours')")
    connection.execute("select pawl.fire_due_timers()")
    found = connection.execute("select version, state, timers from pawl_kettle.instance").fetchone()
    assert found == (1, [state], {})
