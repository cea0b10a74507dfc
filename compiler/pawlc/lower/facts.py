"""Facts about states that the compiler knows, as functions over constants.

v1_state      the part of a reply that depends on the state alone
v1_accepts    the events that a state has transitions for
"""

from pawlc.lower import authorize
from pawlc.lower.frame import name
from pawlc.lower.plan import Plan, leaves_inside, matching
from pawlc.lower.target import Function, Parameter
from pawlc.model import tree
from pawlc.model.machine import Kind
from pawlc.sql import ident, jsonb_rows, sql


def state(plan: Plan) -> Function:
    rows = {
        plan.machine.states[leaf].path: _facts(plan, leaf)
        for leaf in leaves_inside(plan.machine, 0)
    }
    return Function(
        name=name(plan, "state"),
        parameters=(Parameter(ident("p_leaf"), sql("text")),),
        returns=sql("jsonb"),
        body=sql("select {} -> p_leaf", jsonb_rows(rows)),
        language="sql",
        volatility="immutable",
        comment="What a reply says of a state, by its path",
    )


def _facts(plan: Plan, leaf: int) -> dict[str, object]:
    state = plan.machine.states[leaf]
    line = [leaf, *tree.ancestors(plan.machine.states, leaf)]
    tags = sorted({tag for s in line for tag in plan.machine.states[s].tags})
    is_done = state.kind is Kind.FINAL and state.parent == 0
    return {
        "machine": plan.machine.name,
        "version": plan.machine.version,
        "state": [state.path],
        "state_value": _state_value(plan, line),
        "tags": tags,
        "status": "done" if is_done else "running",
        "output": None,
    }


def _state_value(plan: Plan, line: list[int]) -> object:
    """XState's shape of one leaf: `"a"`, `{"a": "b"}`.

    `line` is the leaf and its ancestors, innermost first; the root has no part in it.
    """
    value: object = plan.machine.states[line[0]].key
    for index in line[1:-1]:
        value = {plan.machine.states[index].key: value}
    return value


def accepts(plan: Plan) -> Function:
    rows = {
        plan.machine.states[leaf].path: _accepted(plan, leaf)
        for leaf in leaves_inside(plan.machine, 0)
    }
    body = sql("select array(select jsonb_array_elements_text({} -> p_leaf))", jsonb_rows(rows))
    return Function(
        name=name(plan, "accepts"),
        parameters=(Parameter(ident("p_leaf"), sql("text")),),
        returns=sql("text[]"),
        body=body,
        language="sql",
        volatility="immutable",
        comment="The events that a state has transitions for, by its path",
    )


def _accepted(plan: Plan, leaf: int) -> list[str]:
    line = (leaf, *tree.ancestors(plan.machine.states, leaf))
    return [
        event
        for event in authorize.declared(plan)
        if any(state.index in line for state, _ in matching(plan.machine, event))
    ]
