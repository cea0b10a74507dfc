"""`migrate` resolved: what becomes of configurations, timers, invokes and histories."""

from __future__ import annotations

import pytest

from pawlc.compile import check
from pawlc.model import configurations as sets
from pawlc.model import tree
from pawlc.model.machine import Machine, Migration

HEAD = "machine: m\nauthorize: {}\nevents: { go: {}, back: {} }\neffects: { work: {}, other: {} }\n"
KITCHEN = """\
initial: open
states:
  open:
    type: parallel
    states:
      kitchen:
        initial: idle
        states: { idle: { on: { go: busy } }, busy: { on: { go: idle } } }
      bar:
        initial: shut
        states: { shut: { on: { back: pouring } }, pouring: { on: { back: shut } } }
"""


def read(text: str) -> Machine:
    machine, found = check(text, "m.machine.yaml")
    assert machine is not None, found
    return machine


def resolved(old: str, new: str) -> tuple[Migration | None, list[tuple[str, str]]]:
    """The migration from one chart to another, and the complaints about it."""
    from pawlc.model.resolve import resolve
    from pawlc.parse import parse

    written, _ = parse(f"{HEAD}version: 2\n{new}", "m.machine.yaml")
    assert written is not None
    machine, found = resolve(written, None, {1: read(f"{HEAD}version: 1\n{old}")})
    about = [(d.code, d.message) for d in found if d.code.startswith("PW46")]
    return (machine.migrations[0] if machine.migrations else None), about


def moves(old: str, new: str) -> dict[tuple[str, ...], tuple[str, ...]]:
    migration, complaints = resolved(old, new)
    assert migration is not None
    assert complaints == []
    return {move.before: move.after for move in migration.moves}


def test_every_configuration_is_listed_and_all_are_legal() -> None:
    states = read(f"{HEAD}{KITCHEN}").states
    found = list(sets.configurations(states))
    assert len(found) == sets.count(states) == 4
    assert all(tree.is_legal(states, configuration) for configuration in found)
    assert sets.paths(states, found[-1]) == ("open.kitchen.busy", "open.bar.pouring")


def test_a_state_that_is_renamed_takes_those_inside_along() -> None:
    renamed = KITCHEN.replace("kitchen:", "galley:")
    found = moves(
        KITCHEN, f"migrate: {{ 1: {{ states: {{ open.kitchen: open.galley }} }} }}\n{renamed}"
    )
    assert found[("open.kitchen.busy", "open.bar.shut")] == ("open.galley.busy", "open.bar.shut")
    assert len(found) == 4


def test_a_region_that_nothing_names_begins_as_it_begins() -> None:
    flat = "initial: a\nstates: { a: { on: { go: b } }, b: {} }\n"
    text = f"migrate: {{ 1: {{ states: {{ a: open.kitchen.busy, b: open }} }} }}\n{KITCHEN}"
    assert moves(flat, text) == {
        ("a",): ("open.kitchen.busy", "open.bar.shut"),
        ("b",): ("open.kitchen.idle", "open.bar.shut"),
    }


def test_regions_may_come_together_in_one_state() -> None:
    flat = "initial: a\nstates: { a: { on: { go: b } }, b: { on: { back: a } } }\n"
    found = moves(KITCHEN, f"migrate: {{ 1: {{ states: {{ open: a }} }} }}\n{flat}")
    assert set(found.values()) == {("a",)}


def test_configurations_with_nowhere_to_go_are_listed() -> None:
    flat = "initial: a\nstates: { a: { on: { go: b } }, b: { on: { back: a } } }\n"
    text = "migrate: { 1: { states: { open.kitchen: a, open.bar.shut: a, open.bar.pouring: b } } }"
    _, complaints = resolved(KITCHEN, f"{text}\n{flat}")
    listed = "`open.kitchen.idle, open.bar.pouring`, `open.kitchen.busy, open.bar.pouring`"
    assert complaints == [("PW461", f"from version 1, {listed} have no state to go to")]


def test_a_final_state_is_no_place_to_go_to() -> None:
    old = "initial: a\nstates: { a: { on: { go: b } }, b: { type: final } }\n"
    _, complaints = resolved(old, f"migrate: {{ 1: {{ states: {{ a: b }} }} }}\n{old}")
    assert complaints == [("PW461", "from version 1, `a` has only a final state to go to")]


TIMED = """\
initial: a
states:
  a: { on: { go: b }, after: { 1 hour: b }, invoke: { src: work, id: w } }
  b: { on: { back: a } }
"""


@pytest.mark.parametrize(
    ("rule", "kept", "begun"),
    [
        ("keep", ["after.1 hour.a"], []),
        ("start", ["after.1 hour.a"], []),
        ("restart", [], ["after.1 hour.a"]),
        ("skip", [], []),
    ],
)
def test_a_rule_says_what_becomes_of_a_timer(rule: str, kept: list[str], begun: list[str]) -> None:
    text = f"migrate: {{ 1: {{ timers: {{ after.1 hour.a: {rule} }} }} }}\n{TIMED}"
    migration, complaints = resolved(TIMED, text)
    assert complaints == []
    assert migration is not None
    assert [name for _, name in migration.moves[0].kept_timers] == kept
    assert [timer.name for timer in migration.moves[0].timers] == begun
    assert migration.moves[0].kept_invokes == ("w",)


def test_an_invoke_of_another_effect_is_another_invoke() -> None:
    text = f"migrate: {{ 1: {{}} }}\n{TIMED.replace('src: work', 'src: other')}"
    _, complaints = resolved(TIMED, text)
    assert complaints == [
        ("PW462", "invoke `w` has no counterpart in version 1, coming from `a`"),
    ]


def test_what_keep_cannot_find_is_an_error() -> None:
    text = "migrate: { 1: { states: { b: a }, timers: { after.1 hour.a: keep } } }\n"
    _, complaints = resolved(TIMED, text + TIMED)
    assert ("PW462", "timer `after.1 hour.a` has no counterpart in version 1, coming from `b`") in (
        complaints
    )


REMEMBERING = """\
initial: on
states:
  on:
    initial: x
    states: { x: { on: { go: y } }, y: {}, h: { type: history } }
    on: { back: off }
  off: { on: { go: on.h } }
"""


YZ = (("on.y", "on.z"),)
XY = (("on.x", "up.x"), ("on.y", "up.y"))
RENAMED = REMEMBERING.replace("on:\n    initial", "up:\n    initial").replace("on.h", "up.h")


@pytest.mark.parametrize(
    ("migrate", "new", "kept"),
    [
        ("", REMEMBERING, [("on.h", "on.h", ())]),
        ("", REMEMBERING.replace("y: {},", "y: {}, z: {},"), [("on.h", "on.h", ())]),
        ("", REMEMBERING.replace("history }", "history, history: deep }"), []),
        ("states: { on.y: on.z }", REMEMBERING.replace(" y", " z"), [("on.h", "on.h", YZ)]),
        ("states: { on.y: off }", REMEMBERING, []),
        ("states: { on.y: [{ guard: true, target: on.x }, on.y] }", REMEMBERING, []),
        ("history: { on.h: skip }", REMEMBERING, []),
        ("states: { on: up }, history: { up.h: on.h }", RENAMED, [("on.h", "up.h", XY)]),
    ],
)
def test_a_history_is_kept_where_all_that_it_can_remember_fits(
    migrate: str, new: str, kept: list[object]
) -> None:
    migration, complaints = resolved(REMEMBERING, f"migrate: {{ 1: {{ {migrate} }} }}\n{new}")
    assert complaints == []
    assert migration is not None
    assert [(m.before, m.after, m.renamed) for m in migration.memories] == kept


def test_a_history_that_must_be_kept_and_does_not_fit_is_an_error() -> None:
    text = "migrate: { 1: { states: { on.y: off }, history: { on.h: keep } } }"
    _, complaints = resolved(REMEMBERING, f"{text}\n{REMEMBERING}")
    assert complaints == [
        ("PW462", "what `on.h` of version 1 remembers does not fit `on.h`"),
    ]


def test_a_delayed_event_that_the_new_version_does_not_take_is_an_error() -> None:
    raised = "entry: { raise: { event: go, delay: 1 hour } }"
    old = f"initial: a\nstates: {{ a: {{ {raised}, on: {{ go: b }} }}, b: {{}} }}\n"
    new = "initial: a\nstates: { a: { on: { back: b } }, b: {} }\n"
    _, complaints = resolved(old, f"migrate: {{ 1: {{}} }}\n{new}")
    assert [code for code, _ in complaints] == ["PW462"]
    assert "a delayed `go` of version 1 may be pending" in complaints[0][1]


def test_old_exists_in_a_migration_only() -> None:
    states = "states: { a: { entry: { assign: { n: old.n } } } }\n"
    text = f"{HEAD}context: {{ n: int }}\ninitial: a\n{states}"
    _, found = check(text, "m.machine.yaml")
    assert [d.message for d in found if d.code == "PW308"] == ["`old` exists in a migration only"]
