"""What the rules find beyond the one case of each code in tests/errors, and what they let pass."""

import pytest

from pawlc.check import MODEL_RULES, SYNTAX_RULES
from pawlc.check.descriptors import matches, reserved
from pawlc.check.reserved_fields import INTERNAL, PUBLIC
from pawlc.compile import check, earlier_version
from tests.errors_golden import diagnose

HEAD = "machine: m\nauthorize: {}\nevents: { go: {}, back: {} }\n"
CHART = "initial: a\nstates:\n  a: { on: { go: b } }\n  b: { on: { back: a } }\n"


def codes(definition: str) -> list[str]:
    """The codes of everything that is said about a definition."""
    return [found.code for found in diagnose(definition, "m.machine.yaml")]


def messages(definition: str) -> list[str]:
    """The messages about a definition."""
    return [found.message for found in diagnose(definition, "m.machine.yaml")]


def with_states(states: str) -> str:
    """A machine with the events `go` and `back`, which its root takes, and these states."""
    return f"{HEAD}on: {{ go: {{}}, back: {{}} }}\n{states}"


def test_a_sound_machine_gets_no_complaint() -> None:
    assert codes(HEAD + CHART) == []


def test_each_rule_is_a_function_of_its_own_file() -> None:
    for rule in (*SYNTAX_RULES, *MODEL_RULES):
        name = getattr(rule, "__name__", "")
        assert rule.__module__ == f"pawlc.check.{name}"


@pytest.mark.parametrize("field", [*PUBLIC, *INTERNAL, "Status", "xmin", "state_value"])
def test_no_field_has_the_name_of_a_column_of_the_row(field: str) -> None:
    assert codes(f"{HEAD}context: {{ {field}: text }}\n{CHART}") == ["PW220"]


@pytest.mark.parametrize("event", ["done.x", "error", "after.x", "xstate.init"])
def test_no_event_has_a_reserved_name(event: str) -> None:
    definition = f"machine: m\nauthorize: {{}}\nevents: {{ go: {{}}, back: {{}}, {event}: {{}} }}\n"
    assert codes(definition + CHART) == ["PW221"]


def test_a_state_may_take_the_events_that_pawl_sends() -> None:
    states = (
        "initial: a\neffects: { f: {} }\nstates:\n"
        "  a: { invoke: { src: f, id: x }, on: { done.invoke.x: b } }\n  b: {}\n"
    )
    assert codes(with_states(states)) == []


@pytest.mark.parametrize(
    "key", ["on: { go: a }", "invoke: { src: f }", "always: a", "after: { 5: a }"]
)
def test_a_final_state_has_nothing_to_go_on(key: str) -> None:
    states = "effects: { f: {} }\ninitial: a\nstates:\n  a: { always: b, exit: { effect: f } }\n"
    found = codes(with_states(f"{states}  b: {{ type: final, {key} }}\n"))
    assert "PW205" in found


def test_a_parallel_state_is_done_when_each_region_can_be() -> None:
    chart = (
        "initial: a\nstates:\n  a:\n    type: parallel\n    onDone: b\n    states:\n"
        "      x: { initial: p, states: { p: { on: { go: q } }, q: { type: final } } }\n"
        "      y: { initial: p, states: { p: { on: { back: q } }, q: { %s } } }\n  b: {}\n"
    )
    assert codes(HEAD + chart % "type: final") == []
    assert "PW210" in codes(HEAD + chart % "")


def test_a_strict_chart_takes_declared_events_only() -> None:
    definition = with_states("initial: a\nstates:\n  a: { on: { goo: a } }\n")
    assert codes(definition) == ["PW405"]
    assert codes(definition + "strict: false\n") == []


def test_a_pattern_counts_when_it_matches_a_declared_event() -> None:
    head = "machine: m\nauthorize: {}\nevents: { k.a: {}, k.b: {} }\ninitial: s\nstates:\n"
    assert codes(head + "  s: { on: { k.*: {} } }\n") == []
    assert codes(head + '  s: { on: { "*": {} } }\n') == []
    assert codes(head + "  s: { on: { k: {} } }\n") == ["PW404", "PW404", "PW405"]


def test_send_rules_may_name_undeclared_events_unless_the_chart_is_strict() -> None:
    rule = "authorize: { send: { x: 'true' } }"
    definition = HEAD.replace("authorize: {}", rule) + CHART
    assert codes(definition) == ["PW411"]
    assert codes(f"{definition}strict: false\n") == []


def test_a_guard_is_used_inside_an_expression_too() -> None:
    head = f"{HEAD}context: {{ n: int }}\nguards: {{ rich: context.n > 1 }}\n"
    assert codes(head + CHART) == ["PW412"]
    used = CHART.replace("go: b", 'go: { target: b, guard: "not guards.rich" }')
    assert codes(head + used) == []


def test_unused_actions_and_delays_are_told() -> None:
    unused = "actions: { shout: { log: self.id } }\ndelays: { long: interval '1 day' }\n"
    assert messages(HEAD + unused + CHART) == [
        "nothing uses the action `shout`",
        "nothing uses the delay `long`",
    ]


def test_an_effect_of_a_named_action_is_used() -> None:
    head = f"{HEAD}effects: {{ f: {{}} }}\nactions: {{ call: {{ effect: f }} }}\n"
    assert codes(head + CHART.replace("go: b", "go: { target: b, actions: call }")) == []


def test_a_field_that_creation_assigns_is_not_missing() -> None:
    head = f"{HEAD}context: {{ n: int not null }}\n"
    assert codes(head + CHART) == ["PW319"]
    assert codes(head + CHART.replace("a: { on", "a: { entry: { assign: { n: 1 } }, on")) == []
    late = CHART.replace("go: b", "go: { target: b, assign: { n: 1 } }")
    assert codes(head + late) == ["PW319"]


def test_an_unreachable_state_is_told_without_its_children() -> None:
    states = "initial: a\nstates:\n  a: {}\n  b: { initial: c, states: { c: {} } }\n"
    assert messages(with_states(states)) == ["state `b` can never be entered"]


def test_a_state_that_only_a_migration_enters_can_be_entered() -> None:
    chart = "machine: m\nauthorize: {}\ninitial: a\nstates: { a: {}, b: {} }\n"
    earlier = earlier_version(chart.replace("b: {}", "c: {}"), "m.1.machine.yaml")
    assert earlier is not None
    moved = f"version: 2\nmigrate: {{ 1: {{ states: {{ c: b }} }} }}\n{chart}"
    _, found = check(moved, "m.machine.yaml", earlier={1: earlier})
    assert [one.code for one in found] == []


def test_a_child_that_only_a_deep_target_could_reach_is_told() -> None:
    states = "initial: a\nstates:\n  a: { initial: x, states: { x: {}, y: {} } }\n"
    assert messages(with_states(states)) == ["state `a.y` can never be entered"]


def test_a_deep_target_reaches_its_ancestors() -> None:
    states = (
        "initial: a\nstates:\n  a: { on: { go: b.y } }\n  b: { initial: y, states: { y: {} } }\n"
    )
    assert codes(with_states(states)) == []


def test_the_first_candidate_without_a_guard_hides_the_later_ones() -> None:
    on = "initial: a\nstates:\n  a: { on: { go: [%s] } }\n  b: {}\n"
    assert codes(with_states(on % "b, a")) == ["PW402"]
    assert codes(with_states(on % "b, { guard: self.seq > 1, target: a }, a")) == ["PW402", "PW402"]
    assert codes(with_states(on % "{ guard: self.seq > 1, target: b }, a")) == []
    assert codes(with_states(on % "{ guard: true, target: b }, a")) == ["PW402"]


def test_a_wildcard_hides_nothing() -> None:
    on = 'initial: a\nstates:\n  a: { on: { "*": b, go: a } }\n  b: {}\n'
    assert codes(with_states(on)) == []


def test_a_circle_of_always_is_told_once() -> None:
    states = "initial: a\nstates:\n  a: { always: b }\n  b: { always: c }\n  c: { always: b }\n"
    assert messages(with_states(states)) == ["`always` leads in a circle: `b` -> `c` -> `b`"]


def test_a_circle_through_a_compound_state_is_followed_to_its_leaf() -> None:
    inner = "{ initial: c, always: a, states: { c: {} } }"
    states = f"initial: a\nstates:\n  a: {{ always: b }}\n  b: {inner}\n"
    assert codes(with_states(states)) == ["PW403"]


@pytest.mark.parametrize(
    "way_out",
    ["{ guard: self.seq > 1, target: a }", "[{ guard: self.seq > 1, target: c }, a]", "c"],
)
def test_a_circle_with_a_way_out_is_none(way_out: str) -> None:
    states = f"initial: a\nstates:\n  a: {{ always: b }}\n  b: {{ always: {way_out} }}\n  c: {{}}\n"
    assert "PW403" not in codes(with_states(states))


def test_a_field_and_an_event_may_not_be_longer_than_an_identifier() -> None:
    name = "n" * 64
    assert codes(f"{HEAD}context: {{ {name}: int }}\n{CHART}") == ["PW222"]
    head = f"machine: m\nauthorize: {{}}\nevents: {{ go: {{}}, back: {{}}, {name}: {{}} }}\n"
    assert codes(f"{head}on: {{ {name}: {{}} }}\n{CHART}") == ["PW222"]


@pytest.mark.parametrize(
    ("pattern", "event", "expected"),
    [
        ("*", "a", True),
        ("a", "a", True),
        ("a", "a.b", False),
        ("a.*", "a.b.c", True),
        ("a.*", "ab", False),
        ("a.*", "a", True),
    ],
)
def test_patterns_match_like_xstates(pattern: str, event: str, expected: bool) -> None:
    assert matches(pattern, event) is expected


def test_reserved_prefixes_are_whole_words() -> None:
    assert [reserved(name) for name in ("done", "done.x", "doned", "x.done")] == [
        "done.",
        "done.",
        None,
        None,
    ]
