"""Instances of one version become another's: rows, timers, invokes, failures, events meanwhile."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from pawl.deploy import migration
from pawl.deploy.deploy import deploy
from pawl.deploy.errors import DeployRefused
from pawl.deploy.migration import Choice
from pawlc.compile import Earlier, compile_machine, earlier_version
from pawlc.diagnostics import CompileError

V1 = """\
machine: parcel
version: 1
context: { weight: int not null, note: text not null }
input: [weight, note]
events: { pack: {}, undo: {}, send: {} }
authorize: {}
effects: { label: {}, weigh: {} }
initial: new
states:
  new: { on: { pack: packing }, after: { 2 days: gone }, invoke: { src: label, id: label } }
  packing: { on: { undo: new, send: gone } }
  gone: { type: final }
"""
V2 = """\
machine: parcel
version: 2
context: { weight: int not null, size: text not null check (size <> 'odd') }
input: [weight, size]
events: { pack: {}, undo: {}, send: {} }
authorize: {}
effects: { label: {}, weigh: {} }
migrate:
  1:
    states: { packing: boxed, new: fresh }
    context:
      size: case when old.weight = 3 then 'odd' when old.weight > 10 then 'big' else 'small' end
    timers: { after.1 hour.boxed: start }
    invokes: { scale: start }
initial: fresh
states:
  fresh: { on: { pack: boxed }, after: { 2 days: gone }, invoke: { src: label, id: label } }
  boxed:
    on: { undo: fresh, send: gone }
    after: { 1 hour: gone }
    invoke: { src: weigh, id: scale, input: { size: context.size } }
  gone: { type: final }
"""
REGIONS = """\
machine: regions
version: 1
authorize: {}
initial: on
states:
  on:
    type: parallel
    states:
      a: { initial: x, states: { x: { after: { 1h: y } }, y: {} } }
      b: { initial: x, states: { x: { after: { 1h: y } }, y: {} } }
"""
CHANGED_PLACES = (
    REGIONS.replace("version: 1", "version: 2")
    + """\
migrate: { 1: { states: { on.a: on.b, on.b: on.a } } }
"""
)
ALONE = """\
machine: regions
version: 1
authorize: {}
initial: on
states:
  on: { after: { 1h: off } }
  off: {}
"""
SPLIT = (
    REGIONS.replace("version: 1", "version: 2")
    + """\
  off: {}
migrate: { 1: { states: { on: [on.a.x, on.b.x] } } }
"""
)
WAITING = """\
select exists (
  select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
)"""
Connection = psycopg.Connection[Any]


def migrated(text: str = V2) -> Any:
    """Version 2, checked against version 1."""
    before = earlier_version(V1, "parcel.1.machine.yaml")
    assert before is not None
    return compile_machine(text, "parcel.machine.yaml", earlier={1: before})


def create(connection: Connection, id: str, weight: int = 1) -> None:
    input = f'{{"weight": {weight}, "note": "n"}}'
    connection.execute("select create_instance('parcel', %s, %s, 1)", (id, input))


def send(connection: Connection, id: str, event: str) -> dict[str, Any]:
    row = connection.execute(
        "select send_event('parcel', %s, jsonb_build_object('type', %s::text))", (id, event)
    ).fetchone()
    assert row is not None
    assert isinstance(row[0], dict)
    return row[0]


def migrate(connection: Connection, arguments: str = "") -> list[tuple[Any, ...]]:
    query = "select id, before, after, timers, effects, reason from pawl.migrate_instances"
    return connection.execute(f"{query}('parcel', 1, 2{arguments})".encode()).fetchall()


def rows(connection: Connection, columns: str) -> list[tuple[Any, ...]]:
    query = f"select {columns} from pawl_parcel.instance as i order by iid"
    return connection.execute(query.encode()).fetchall()


@pytest.fixture
def parcels(connection: Connection) -> Connection:
    """Three parcels of version 1, one of them in `packing`; version 2 is deployed."""
    deploy(connection, compile_machine(V1, "parcel.machine.yaml"))
    for id, weight in (("a", 1), ("b", 20), ("c", 3)):
        create(connection, id, weight)
    send(connection, "b", "pack")
    deploy(connection, migrated())
    return connection


def test_states_and_fields_become_those_of_the_new_version(parcels: Connection) -> None:
    assert migrate(parcels, ", p_id => 'a'") == [("a", ["new"], ["fresh"], 0, 0, None)]
    assert migrate(parcels, ", p_id => 'b'") == [("b", ["packing"], ["boxed"], 1, 1, None)]
    assert rows(parcels, "id, version, state, size, seq") == [
        ("a", 2, ["fresh"], "small", 2),
        ("b", 2, ["boxed"], "big", 3),
        ("c", 1, ["new"], None, 1),
    ]
    assert send(parcels, "b", "undo")["state"] == ["fresh"]
    assert send(parcels, "c", "pack")["state"] == ["packing"]


def test_a_preview_tells_of_the_whole_way_and_writes_nothing(parcels: Connection) -> None:
    section = V2[V2.index("migrate:") : V2.index("initial:")]
    third = V2.replace("version: 2", "version: 3").replace(section, "migrate: { 2: {} }\n")
    third = third.replace("size <> 'odd'", "size <> 'big'")
    second = Earlier(migrated().machine, migrated().hash)
    deploy(parcels, compile_machine(third, "parcel.machine.yaml", earlier={2: second}))
    before = rows(parcels, "i::text")
    preview = (
        "select id, after, timers, effects, reason from pawl.preview_migration('parcel', %s, %s)"
    )
    iids = [iid for (iid,) in rows(parcels, "iid")]
    breaks = 'field "size" of parcel "{}" breaks its check: size <> \'{}\', {}'
    place = "at parcel.machine.yaml:3 (context size)"
    assert parcels.execute(preview, ([1, 2, 3], iids)).fetchall() == [
        ("a", ["fresh"], 0, 0, None),
        ("b", None, 0, 0, breaks.format("b", "big", place)),
        ("c", None, 0, 0, breaks.format("c", "odd", place)),
    ]
    assert parcels.execute(preview, ([1, 2], [*iids, 99])).fetchall()[:2] == [
        ("a", ["fresh"], 0, 0, None),
        ("b", ["boxed"], 1, 1, None),
    ]
    assert rows(parcels, "i::text") == before
    for path in ([2, 1], [1]):
        with pytest.raises(psycopg.Error, match="has no migration from version"):
            parcels.execute(preview, (path, iids))


def test_a_reason_that_no_line_of_the_definition_gave_is_its_words_alone(
    parcels: Connection,
) -> None:
    told = parcels.execute("select pawl.with_source('disk full', 'SQL statement \"x\"')").fetchone()
    assert told == ("disk full",)


def test_a_timer_that_goes_on_keeps_its_moment_and_fires_as_the_new_version_has_it(
    parcels: Connection,
) -> None:
    before = parcels.execute("select due_at from pawl.timer order by iid").fetchone()
    migrate(parcels, ", p_id => 'a'")
    assert rows(parcels, "timers")[0] == ({"after.2 days.fresh": 1},)
    assert parcels.execute("select due_at, name from pawl.timer order by iid").fetchone() == (
        *(before or ()),
        "after.2 days.fresh",
    )
    parcels.execute("select pawl.advance_clock('3 days')")
    parcels.execute("select pawl.fire_due_timers()")
    assert rows(parcels, "state, status")[0] == (["gone"], "done")


def test_a_timer_is_renamed_only_where_its_own_configuration_says_so(
    connection: Connection,
) -> None:
    before = earlier_version(REGIONS, "regions.1.machine.yaml")
    assert before is not None
    deploy(connection, compile_machine(REGIONS, "regions.1.machine.yaml"))
    connection.execute("select create_instance('regions', 'r')")
    known = {1: before}
    deploy(connection, compile_machine(CHANGED_PLACES, "regions.machine.yaml", earlier=known))
    connection.execute("select pawl.migrate_instances('regions', 1, 2)")
    names = connection.execute("select name from pawl.timer order by name")
    assert [*names] == [("after.1h.on.a.x",), ("after.1h.on.b.x",)]
    connection.execute("select pawl.advance_clock('2 hours')")
    connection.execute("select pawl.fire_due_timers()")
    found = connection.execute("select state from pawl_regions.instance").fetchone()
    assert found == (["on.a.y", "on.b.y"],)


def test_one_timer_goes_on_in_each_region_that_its_state_becomes(connection: Connection) -> None:
    before = earlier_version(ALONE, "regions.1.machine.yaml")
    assert before is not None
    deploy(connection, compile_machine(ALONE, "regions.1.machine.yaml"))
    connection.execute("select create_instance('regions', 'r')")
    due = connection.execute("select due_at from pawl.timer").fetchone()
    deploy(connection, compile_machine(SPLIT, "regions.machine.yaml", earlier={1: before}))
    connection.execute("select pawl.migrate_instances('regions', 1, 2)")
    set_now = connection.execute("select name, due_at from pawl.timer order by timer_id")
    assert [*set_now] == [("after.1h.on.a.x", *due), ("after.1h.on.b.x", *due)]
    connection.execute("select pawl.advance_clock('2 hours')")
    connection.execute("select pawl.fire_due_timers()")
    found = connection.execute("select state from pawl_regions.instance").fetchone()
    assert found == (["on.a.y", "on.b.y"],)


def test_an_invoke_that_goes_on_is_not_started_again_and_answers(parcels: Connection) -> None:
    effects = parcels.execute("select count(*) from pawl.outbox").fetchone()
    migrate(parcels, ", p_id => 'a'")
    assert rows(parcels, "invokes")[0] == ({"label": 1},)
    assert parcels.execute("select count(*) from pawl.outbox").fetchone() == effects


def test_what_begins_is_enqueued_once_with_the_new_fields(parcels: Connection) -> None:
    for _ in range(2):
        migrate(parcels, ", p_id => 'b'")
    begun = "select effect, invoke_id, input, version from pawl.outbox where version = 2"
    assert parcels.execute(begun).fetchall() == [("weigh", "scale", {"size": "big"}, 2)]
    assert rows(parcels, "timers, invokes")[1] == ({"after.1 hour.boxed": 3}, {"scale": 3})


def test_one_that_fails_stays_runs_on_and_is_rescued(parcels: Connection) -> None:
    (failed,) = (row for row in migrate(parcels) if row[0] == "c")
    assert failed[2] is None
    assert failed[5].endswith(", at parcel.machine.yaml:3 (context size)")
    assert rows(parcels, "version, needs_rescue")[2] == (1, failed[5])
    assert send(parcels, "c", "pack")["state"] == ["packing"]
    assert migrate(parcels) == []
    parcels.execute("update pawl_parcel.instance set weight = 4 where id = 'c'")
    assert migrate(parcels, ", p_rescue => true")[0][2] == ["boxed"]
    assert rows(parcels, "version, needs_rescue")[2] == (2, None)


def test_a_dry_run_tells_the_same_and_writes_nothing(parcels: Connection) -> None:
    everything = "id, version, state, seq, timers, invokes, needs_rescue, xmax::text"
    before = rows(parcels, everything)
    told = migrate(parcels, ", p_dry_run => true")
    assert rows(parcels, everything) == before
    assert migrate(parcels) == told


def test_batches_go_on_after_the_last_instance(parcels: Connection) -> None:
    first = parcels.execute(
        "select iid, id from pawl.migrate_instances('parcel', 1, 2, p_limit => 1)"
    ).fetchall()
    assert [id for _, id in first] == ["a"]
    rest = migrate(parcels, f", p_after => {first[0][0]}")
    assert [row[0] for row in rest] == ["b", "c"]


def test_each_is_journalled(parcels: Connection) -> None:
    migrate(parcels, ", p_id => 'b'")
    journalled = parcels.execute(
        "select seq, version, state, event from pawl.journal where version = 2"
    ).fetchall()
    event = {"type": "pawl.migrate", "from": ["packing"], "to": ["boxed"], "from_version": 1}
    assert journalled == [(3, 2, ["boxed"], event)]


def test_both_versions_take_instances_though_one_lacks_the_others_fields(
    parcels: Connection,
) -> None:
    create(parcels, "old")
    parcels.execute("""select create_instance('parcel', 'new', '{"weight": 1, "size": "s"}')""")
    assert rows(parcels, "version, note, size")[-2:] == [(1, "n", None), (2, None, "s")]
    with pytest.raises(psycopg.errors.CheckViolation):
        parcels.execute("update pawl_parcel.instance set size = null where id = 'new'")


def test_a_version_without_a_migration_is_refused(parcels: Connection) -> None:
    with pytest.raises(psycopg.Error, match="no migration from version 2 to version 1") as refused:
        parcels.execute("select pawl.migrate_instances('parcel', 2, 1)")
    assert refused.value.sqlstate == "PT404"


def test_a_migration_from_another_version_1_than_the_deployed_one_is_refused(
    connection: Connection,
) -> None:
    deploy(connection, compile_machine(V1 + "# touched\n", "parcel.machine.yaml"))
    with pytest.raises(DeployRefused, match="is not the one that is deployed here"):
        deploy(connection, migrated())


def test_an_event_that_waits_for_a_migration_reaches_the_new_version(database: str) -> None:
    with (
        psycopg.connect(database, autocommit=True) as mover,
        psycopg.connect(database, autocommit=True) as sender,
    ):
        deploy(mover, compile_machine(V1, "parcel.machine.yaml"))
        create(mover, "a")
        deploy(mover, migrated())
        send(sender, "a", "pack")
        send(sender, "a", "undo")  # a warm plan of both routes
        replies: list[dict[str, Any]] = []
        waits = threading.Thread(target=lambda: replies.append(send(sender, "a", "pack")))
        with mover.transaction():
            migrate(mover)
            waits.start()
            with psycopg.connect(database, autocommit=True) as watch:
                while watch.execute(WAITING).fetchone() != (True,):
                    assert waits.is_alive()
        waits.join()
        assert [(reply["version"], reply["state"]) for reply in replies] == [(2, ["boxed"])]


CHOICES = """\
    states:
      new: [{ guard: old.weight > 10, target: boxed }, fresh]
      packing: case when old.note = 'n' then 'boxed' else 'fresh' end
"""


def test_a_condition_is_asked_again_when_the_instances_are_locked(
    connection: Connection, database: str
) -> None:
    deploy(connection, compile_machine(V1, "parcel.machine.yaml"))
    for id in ("a", "b"):
        create(connection, id)
    deploy(connection, migrated())
    heavier = "update pawl_parcel.instance set weight = 2 where id = 'a'"

    def migrate() -> list[str]:
        with psycopg.connect(database, autocommit=True) as own:
            batches = migration.batches(own, "parcel", (1, 2), Choice(where="weight = 1"))
            return [one.id for batch in batches for one in batch]

    with psycopg.connect(database) as other, ThreadPoolExecutor(1) as pool:
        other.execute(heavier.encode())
        moved = pool.submit(migrate)
        while connection.execute(WAITING).fetchone() != (True,):
            pass
        other.commit()
        assert moved.result() == ["b"]
    found = connection.execute("select version from pawl_parcel.instance order by id").fetchall()
    assert found == [(1,), (2,)]


CHOOSING = (
    V2.replace("    states: { packing: boxed, new: fresh }\n", CHOICES)
    .replace("boxed: start", "boxed: start, after.2 days.fresh: start")
    .replace("scale: start", "scale: start, label: start")
)


def test_a_state_may_depend_on_the_data(connection: Connection) -> None:
    deploy(connection, compile_machine(V1, "parcel.machine.yaml"))
    for id, weight in (("a", 1), ("b", 20), ("c", 5)):
        create(connection, id, weight)
    send(connection, "c", "pack")
    deploy(connection, migrated(CHOOSING))
    assert [(id, after) for id, _, after, *_ in migrate(connection)] == [
        ("a", ["fresh"]),
        ("b", ["boxed"]),
        ("c", ["boxed"]),
    ]
    assert rows(connection, "timers")[1] == ({"after.1 hour.boxed": 2},)
    assert send(connection, "b", "undo")["state"] == ["fresh"]


def test_a_choice_that_postgres_cannot_make_is_refused_at_deploy(connection: Connection) -> None:
    deploy(connection, compile_machine(V1, "parcel.machine.yaml"))
    wrong = CHOOSING.replace("old.weight > 10", "old.weight > old.note", 1)
    with pytest.raises(CompileError) as refused:
        deploy(connection, migrated(wrong))
    found = {(d.code, d.span.start.line) for d in refused.value.diagnostics}
    assert found == {("PW315", 11)}


OVEN = """\
machine: oven
version: 1
authorize: {}
events: { open: {}, shut: {}, next: {} }
initial: on
states:
  on:
    initial: low
    states: { low: { on: { next: high } }, high: {}, h: { type: history } }
    on: { open: ajar }
  ajar: { on: { shut: on.h } }
"""
OVEN_2 = """\
migrate:
  1:
    states: { on: hot, on.high: hot.full }
    history: { hot.h: on.h }
"""


def test_what_a_history_remembers_is_mapped_as_the_states_are(connection: Connection) -> None:
    deploy(connection, compile_machine(OVEN, "oven.machine.yaml"))
    for id in ("a", "b"):
        connection.execute("select create_instance('oven', %s)", (id,))
    for id, event in (("a", "next"), ("a", "open")):
        connection.execute("select send_event('oven', %s, %s)", (id, f'{{"type": "{event}"}}'))
    text = OVEN.replace("on:\n    initial", "hot:\n    initial").replace("on.h", "hot.h")
    text = text.replace("initial: on", "initial: hot").replace("high", "full")
    before = earlier_version(OVEN, "oven.1.machine.yaml")
    assert before is not None
    text = text.replace("version: 1\n", f"version: 2\n{OVEN_2}")
    deploy(connection, compile_machine(text, "oven.machine.yaml", earlier={1: before}))
    connection.execute("select pawl.migrate_instances('oven', 1, 2)")
    found = connection.execute("select state, history from pawl_oven.instance order by id")
    assert found.fetchall() == [(["ajar"], {"hot.h": ["hot.full"]}), (["hot.low"], {})]
    reply = connection.execute("""select send_event('oven', 'a', '{"type": "shut"}')""").fetchone()
    assert reply is not None
    assert reply[0]["state"] == ["hot.full"]


LATER = """\
machine: kettle
version: 1
authorize: {}
events: { whistle: {} }
initial: on
states:
  on:
    entry: { raise: { event: whistle, delay: 1 hour } }
    on: { whistle: off }
  off: {}
"""


def test_a_delayed_event_outlives_two_migrations_and_is_taken_once(connection: Connection) -> None:
    second = LATER.replace("    entry: { raise: { event: whistle, delay: 1 hour } }\n", "")
    second = second.replace("version: 1\n", "version: 2\nmigrate: { 1: {} }\n")
    third = second.replace("version: 2\nmigrate: { 1: {} }", "version: 3\nmigrate: { 2: {} }")
    known: dict[int, Earlier] = {}
    for number, text in enumerate((LATER, second, third), 1):
        deploy(connection, compile_machine(text, "kettle.machine.yaml", earlier=known))
        if number == 1:
            connection.execute("select create_instance('kettle', 'k')")
        version = earlier_version(text, "kettle.machine.yaml", earlier=known)
        assert version is not None
        known[number] = version
    for step in ("1, 2", "2, 3"):
        connection.execute(f"select pawl.migrate_instances('kettle', {step})".encode())
    connection.execute("select pawl.advance_clock('2 hours')")
    assert connection.execute("select pawl.fire_due_timers()").fetchone() == (1,)
    found = connection.execute("select state, timers from pawl_kettle.instance").fetchone()
    assert found == (["off"], {})
