"""XState and Pawl show the same after every event, for random charts and walks.

`make fuzz` runs many more of them.
"""

from dataclasses import replace
from random import Random
from typing import Any

import psycopg
import pytest

from tests.oracle.charts import (
    Advance,
    Arc,
    Assign,
    Chart,
    Code,
    Compare,
    In,
    Log,
    Node,
    RaiseLater,
    Send,
    Step,
    chart,
    walk,
)
from tests.oracle.compare import (
    Refused,
    Verdict,
    compare,
    first_difference,
    judge,
    resolved,
    run,
    shown_by_xstate,
)
from tests.oracle.deviations import Rule
from tests.oracle.fuzz import told
from tests.oracle.native import definition
from tests.oracle.process import XState
from tests.oracle.shrink import Run, shrink
from tests.semantics.database import Deployed
from tests.semantics.differential import compiled, undone

SEEDS = range(150)
CHUNK = 15
IN_POSTGRES = range(1000, 1010)


@pytest.mark.parametrize("first", SEEDS[::CHUNK])
def test_random_charts_go_as_in_xstate(oracle: XState, first: int) -> None:
    for seed in range(first, first + CHUNK):
        random = Random(seed)
        report = compare(oracle, chart(random), walk(random))
        assert report.verdict is not Verdict.DIFFERENT, f"seed {seed}, {report.at}: {told(report)}"


def test_a_sample_goes_in_postgres_as_in_xstate(
    oracle: XState, shared_connection: psycopg.Connection[Any]
) -> None:
    compared = 0
    for seed in IN_POSTGRES:
        random = Random(seed)
        drawn, steps = chart(random), walk(random)
        deployable = compiled(definition(drawn))
        report = compare(oracle, drawn, steps)
        if deployable is None or report.verdict is not Verdict.SAME:
            continue
        theirs = shown_by_xstate(oracle, drawn, steps)
        with undone(shared_connection):
            ours = run(Deployed(shared_connection, deployable), steps)
        assert first_difference(theirs, ours) is None, f"seed {seed}"
        compared += 1
    assert compared > len(IN_POSTGRES) // 2


# --- each rule of README.md: XState does differ, and as `deviations` says ---------------------

LINE = Log(Code("1", "1"))


def number(value: int) -> Code:
    """A constant."""
    return Code(str(value), str(value))


def in_parallel(*regions: Node, **keys: Any) -> Node:
    """A parallel root; `keys` are its own."""
    return Node((), "parallel", regions, **keys)


def by_design(oracle: XState, root: Node, *steps: Step) -> frozenset[Rule]:
    """The rules by which a walk differs."""
    report = compare(oracle, Chart(root), steps)
    assert report.verdict is Verdict.BY_DESIGN
    return report.rules


def test_rule_1_eventless_transitions_go_in_the_order_of_entry(oracle: XState) -> None:
    waiting = Compare(Code("context.a = 1", "context.a === 1"))
    eventless = (Arc(guard=waiting, actions=(Assign((("a", number(0)),)),)),)
    first, second = Node(("a", "a"), "atomic"), Node(("a", "b"), "atomic", always=eventless)
    root = in_parallel(
        Node(("a",), "compound", (first, second), on=(("go", (Arc((("a", "b"),)),)),)),
        Node(("b",), "atomic", always=eventless),
        on=(("tick", (Arc(actions=(Assign((("a", number(1)),)),)),)),),
    )
    assert by_design(oracle, root, Send("go", 1), Send("tick", 1)) == {Rule.ENTRY_ORDER}


def test_rule_2_the_initial_of_a_region_beside_the_target_does_not_act(oracle: XState) -> None:
    again = Arc((("a",),), reenter=True)
    root = in_parallel(
        Node(("a",), "atomic", on=(("go", (again,)),)),
        Node(("b",), "compound", (Node(("b", "a"), "atomic"),), initial=(LINE,)),
    )
    assert by_design(oracle, root, Send("go", 1)) == {Rule.NO_INITIAL_ACTIONS}


def test_rule_3_a_history_that_leads_back_to_the_source_is_entered_twice(oracle: XState) -> None:
    back = Arc((("h",),))
    inner = Node(("a", "a"), "atomic")
    root = Node(
        (),
        "compound",
        (Node(("a",), "compound", (inner,), on=(("go", (back,)),)), Node(("h",), "shallow")),
    )
    assert by_design(oracle, root, Send("go", 1)) == {Rule.OWN_HISTORY}


def test_rule_4_an_id_raised_while_pending_leaves_the_first_event_running(
    oracle: XState,
) -> None:
    later = Arc(actions=(RaiseLater("inner", number(1), 1000, "one"),))
    root = in_parallel(
        Node(("a",), "atomic", on=(("go", (later,)), ("inner", (Arc(actions=(LINE,)),))))
    )
    steps = (Send("go", 1), Send("go", 1), Advance(1000))
    assert by_design(oracle, root, *steps) == {Rule.PENDING_ID}


def test_a_transition_to_the_machine_itself_enters_it_without_leaving_it_in_both(
    oracle: XState,
) -> None:
    back = Arc(((),), actions=(LINE,))
    root = Node(
        (),
        "compound",
        (Node(("a",), "atomic", on=(("go", (back,)),), entry=(LINE,), exit=(LINE,)),),
        initial=(LINE,),
        entry=(LINE,),
        exit=(LINE,),
    )
    assert compare(oracle, Chart(root), (Send("go", 1),)).verdict is Verdict.SAME


def test_rule_5_the_timers_of_a_machine_that_is_a_target_run_double(oracle: XState) -> None:
    ticks = ((1000, (Arc(actions=(LINE,)),)),)
    inside = Node(("a",), "atomic", on=(("go", (Arc(((),)),)),))
    root = Node((), "compound", (inside,), after=ticks)
    steps = (Send("go", 1), Advance(1000))
    assert compare(oracle, Chart(root), steps).verdict is Verdict.DIFFERENT


def test_an_eventless_transition_that_changes_nothing_is_taken_once_in_both(
    oracle: XState,
) -> None:
    root = in_parallel(Node(("a",), "atomic", always=(Arc(actions=(LINE,)),)))
    assert compare(oracle, Chart(root), ()).verdict is Verdict.SAME


def test_a_difference_that_no_rule_explains_is_found_and_made_small(oracle: XState) -> None:
    leave, stay = Arc((("b",),), actions=(LINE,)), Arc(guard=In(("b",)), actions=(LINE,))
    inner = Node(("a", "a"), "atomic", on=(("go", (stay,)),), entry=(LINE,))
    states = (Node(("a",), "compound", (inner,), on=(("stop", (leave,)),)), Node(("b",), "atomic"))
    root = Node((), "compound", states, exit=(LINE,))

    def differs(run: Run) -> bool:
        """Pawl is given the chart, XState one that begins with another context."""
        try:
            machine = resolved(run.chart)
        except Refused:
            return False
        theirs = shown_by_xstate(oracle, replace(run.chart, values=(9, 9, 9)), run.walk)
        return judge(run.chart, machine, run.walk, theirs).verdict is Verdict.DIFFERENT

    small = shrink(Run(Chart(root), (Send("go", 1), Send("stop", 1))), differs)
    assert small == Run(Chart(Node((), "compound", (Node(("b",), "atomic"),))), ())
