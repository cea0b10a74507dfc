"""The tree: ancestors, common ancestors, domains, orders."""

import pytest

from pawlc.model import tree
from pawlc.model.machine import OUTSIDE, Machine
from tests.compiler.model.definitions import machine

TREE = """
machine: m
version: 1
initial: a
states:
  a:
    initial: a1
    states:
      a1: {}
      a2: {}
  p:
    type: parallel
    states:
      A:
        initial: x
        states: { x: {}, y: {} }
      B: {}
  z: {}
"""


@pytest.fixture(scope="module")
def chart() -> Machine:
    return machine(TREE)


def index(chart: Machine, path: str) -> int:
    return next(s.index for s in chart.states if s.path == path)


def test_states_are_numbered_in_pre_order_and_know_their_last_descendant(chart: Machine) -> None:
    paths = [state.path for state in chart.states]
    assert paths == ["", "a", "a.a1", "a.a2", "p", "p.A", "p.A.x", "p.A.y", "p.B", "z"]
    assert [state.last for state in chart.states] == [9, 3, 2, 3, 8, 7, 6, 7, 8, 9]


def test_ancestors_go_up_to_a_limit(chart: Machine) -> None:
    x = index(chart, "p.A.x")
    assert tree.ancestors(chart.states, x) == (5, 4, 0)
    assert tree.ancestors(chart.states, x, 4) == (5,)


def test_everything_lies_outside_the_root(chart: Machine) -> None:
    assert tree.is_descendant(chart.states, 0, OUTSIDE)
    assert not tree.is_descendant(chart.states, 0, 0)


# source, target, reenter -> domain: the rows of the comparison of XState with the standard
DOMAINS = [
    ("a.a1", "a.a2", False, "a"),  # siblings
    ("a.a1", "a.a1", False, "a.a1"),  # row 2: itself, nothing is exited
    ("a.a1", "a.a1", True, "a"),  # row 2: itself, from outside
    ("a", "a.a2", False, "a"),  # row 1: inside stays inside
    ("a", "a.a2", True, ""),  # row 1: unless it reenters
    ("a", "a", False, "a"),  # row 2: its children begin again
    ("p", "p.A.y", False, "p"),  # row 3: a parallel source too
    ("p.A", "p.B", False, "p"),  # row 4: the ancestor may be a parallel state
    ("p.A.x", "z", False, ""),
    ("a.a1", "a", False, ""),  # an ancestor is left and entered again
    ("", "z", False, ""),  # row 19: from the root
    ("", "z", True, "OUTSIDE"),  # row 19: the root leaves itself
    ("a.a1", "", False, ""),  # to the root: all of it begins again
]


@pytest.mark.parametrize(("source", "target", "reenter", "expected"), DOMAINS)
def test_the_domain_of_a_transition(
    chart: Machine, source: str, target: str, reenter: bool, expected: str
) -> None:
    wanted = OUTSIDE if expected == "OUTSIDE" else index(chart, expected)
    start, goal = index(chart, source), index(chart, target)
    assert tree.domain(chart.states, start, [goal], reenter) == wanted


def test_a_targetless_transition_has_no_domain(chart: Machine) -> None:
    assert tree.domain(chart.states, 1, [], True) is None


def test_the_standard_passes_over_parallel_states(chart: Machine) -> None:
    members = [index(chart, "p.A"), index(chart, "p.B")]
    assert tree.lca(chart.states, members) == index(chart, "p")
    assert tree.lcca(chart.states, members) == 0


def test_exits_go_inside_out_and_entries_outside_in(chart: Machine) -> None:
    active = [0, 4, 5, 6, 8]
    assert tree.exit_order(chart.states, active, 0) == (8, 6, 5, 4)
    assert tree.exit_order(chart.states, active, None) == ()
    assert tree.entry_path(chart.states, 0, 6) == (4, 5, 6)
    assert tree.entry_path(chart.states, 6, 6) == ()


@pytest.mark.parametrize(
    ("configuration", "legal"),
    [
        ([0, 1, 2], True),
        ([0, 4, 5, 7, 8], True),
        ([0, 4, 5, 7], False),  # a region is missing
        ([0, 1, 2, 3], False),  # two children of a compound state
        ([0, 1], False),
        ([1, 2], False),
        ([0, 2], False),
    ],
)
def test_which_configurations_are_legal(
    chart: Machine, configuration: list[int], legal: bool
) -> None:
    assert tree.is_legal(chart.states, configuration) is legal


def test_only_a_parallel_state_lets_two_states_be_active_together(chart: Machine) -> None:
    x, y, b = (index(chart, path) for path in ("p.A.x", "p.A.y", "p.B"))
    assert tree.conflict(chart.states, x, y)
    assert not tree.conflict(chart.states, x, b)
    assert not tree.conflict(chart.states, x, 5)


def test_states_that_can_be_active_together_are_those_without_conflict(chart: Machine) -> None:
    for state in range(len(chart.states)):
        free = (s for s in range(len(chart.states)) if not tree.conflict(chart.states, state, s))
        assert tree.together(chart.states, state) == tuple(free)
