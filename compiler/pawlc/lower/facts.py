"""Facts about states that the compiler knows, as functions over constants.

v1_state      the part of a reply that depends on the configuration alone
v1_accepts    the events that a configuration has transitions for
v1_status     whether leaves are a legal configuration, and if so a running or a done one
v1_bits       with parallel or history states: a state and its ancestors as bits (one a word)
v1_conf       a whole configuration as bits, where it cannot have many leaves
v1_leaves     the way back: the paths of the active leaves, in document order
"""

from dataclasses import replace

from pawlc.lower import authorize, parallel
from pawlc.lower.configuration import conf
from pawlc.lower.frame import name
from pawlc.lower.leaves import MANY, most_leaves, paths, state_value
from pawlc.lower.plan import Plan, leaves_inside, matching
from pawlc.lower.target import Function, Parameter
from pawlc.lower.words import mask, split
from pawlc.model import tree
from pawlc.model.machine import Kind, State
from pawlc.sql import Sql, ident, join, jsonb_rows, literal, sql

_STATE = Parameter(ident("p_state"), sql("text[]"))


def facts(plan: Plan) -> tuple[Function, ...]:
    """The functions of a version that only know its states."""
    if not plan.masks:
        return (_state_of_leaf(plan), _accepts_of_leaf(plan), _status_of_leaf(plan))
    words = range(conf(plan).count)
    return (
        *(_bits(plan, n) for n in words),
        *(_conf(plan, n) for n in words if most_leaves(plan) <= MANY),
        _leaves(plan),
        _state(plan),
        _accepts(plan),
        _status(plan),
    )


def _function(
    plan: Plan, what: str, parameters: tuple[Parameter, ...], returns: Sql, body: Sql, comment: str
) -> Function:
    return Function(
        name=name(plan, what),
        parameters=parameters,
        returns=returns,
        body=body,
        language="sql",
        volatility="immutable",
        comment=comment,
    )


def _state_of_leaf(plan: Plan) -> Function:
    rows = {
        plan.machine.states[leaf].path: _facts(plan, leaf)
        for leaf in leaves_inside(plan.machine, 0)
    }
    body = sql("select {} -> p_state[1]", jsonb_rows(rows))
    return _function(plan, "state", (_STATE,), sql("jsonb"), body, _STATE_COMMENT)


_STATE_COMMENT = "What a reply says of a configuration"
_ACCEPTS_COMMENT = "The events that a configuration has transitions for"


def _state(plan: Plan) -> Function:
    tags = {
        plan.machine.states[leaf].path: _tags(plan, leaf) for leaf in leaves_inside(plan.machine, 0)
    }
    told = sql("'[]'::jsonb")
    if any(tags.values()):
        told = sql(
            "to_jsonb(array(\n    select distinct tag\n"
            "    from unnest(p_state) leaf, jsonb_array_elements_text({} -> leaf) tag\n"
            "    order by tag\n  ))",
            jsonb_rows(tags),
        )
    body = sql(
        "select jsonb_build_object('machine', {}, 'version', {}, 'state', p_state,\n"
        "    'state_value', {},\n    'output', null, 'tags', {})",
        literal(plan.machine.name),
        plan.machine.version,
        state_value(plan),
        told,
    )
    told_of = _function(plan, "state", (_STATE,), sql("jsonb"), body, _STATE_COMMENT)
    return replace(told_of, volatility="stable")  # as jsonb_build_object is, or it is not inlined


_STATUS_COMMENT = "The status of a configuration; null if it is not a legal one"


def _status_of_leaf(plan: Plan) -> Function:
    state = sql("{}(p_state) ->> 'status'", name(plan, "state"))
    body = sql("select case when cardinality(p_state) = 1 then {} end", state)
    return _function(plan, "status", (_STATE,), sql("text"), body, _STATUS_COMMENT)


def _status(plan: Plan) -> Function:
    """W3C SCXML 3.11, legal configurations, as conditions on the bits."""
    words = range(conf(plan).count)
    columns = tuple(f"conf_{n + 1}" if n else "conf" for n in words)
    bits = (sql("{}(leaf)", name(plan, f"bits_{n + 1}" if n else "bits")) for n in words)
    sums = (sql("bit_or({}) as {}", bit, ident(c)) for bit, c in zip(bits, columns, strict=True))
    found = tuple(ident("c", column) for column in columns)
    leaves = sql("{}({})", name(plan, "leaves"), join(", ", found))
    legal = [sql("{} = p_state", leaves)]
    legal += [c for s in plan.machine.states if (c := _is_legal_at(plan, s, found)) is not None]
    body = sql(
        "select case\n    when ({}) is not true then null\n    when {} then 'done'\n"
        "    else 'running'\n"
        "  end\n  from (select {} from unnest(p_state) leaf) c",
        join("\n      and ", legal),
        _is_done(plan, found),
        join(", ", list(sums)),
    )
    return _function(plan, "status", (_STATE,), sql("text"), body, _STATUS_COMMENT)


def _is_legal_at(plan: Plan, state: State, found: tuple[Sql, ...]) -> Sql | None:
    """An active compound state has one active child, an active parallel one all of its regions."""
    children = tree.regions(plan.machine.states, state.index)
    if state.kind not in (Kind.COMPOUND, Kind.PARALLEL) or not children:
        return None
    wanted = 1 if state.kind is Kind.COMPOUND else len(children)
    counts = [
        sql("bit_count(({} & {}::bigint)::bit(64))", word, part)
        for word, part in zip(found, split(mask(children), len(found)), strict=True)
        if part
    ]
    (itself,) = [
        sql("{} & {} = 0", word, part)
        for word, part in zip(found, split(1 << state.index, len(found)), strict=True)
        if part
    ]
    return sql("({} or {} = {})", itself, join(" + ", counts), wanted)


def _is_done(plan: Plan, found: tuple[Sql, ...]) -> Sql:
    """Whether the root is in a final state."""
    condition = str(parallel.is_in_final_state(plan, 0))
    for word, column in reversed(list(zip(conf(plan).parts(), found, strict=True))):
        condition = condition.replace(f"{word} ", f"{column} ")
    return Sql(condition)


def _tags(plan: Plan, leaf: int) -> list[str]:
    line = (leaf, *tree.ancestors(plan.machine.states, leaf))
    return sorted({tag for s in line for tag in plan.machine.states[s].tags})


def _bits(plan: Plan, number: int) -> Function:
    rows: dict[str, object] = {}
    for state in plan.machine.states:
        line = mask((state.index, *tree.ancestors(plan.machine.states, state.index)))
        if state.kind is not Kind.HISTORY:
            rows[state.path] = split(line, conf(plan).count)[number]
    suffix = f"_{number + 1}" if number else ""
    return _function(
        plan,
        f"bits{suffix}",
        (Parameter(ident("p_path"), sql("text")),),
        sql("bigint"),
        sql("select ({} ->> p_path)::bigint", jsonb_rows(rows)),
        "A state and its ancestors as bits, numbered in document order",
    )


def _conf(plan: Plan, number: int) -> Function:
    suffix = f"_{number + 1}" if number else ""
    bits = name(plan, f"bits{suffix}")
    places = range(1, most_leaves(plan) + 1)
    each = [sql("coalesce({}(p_state[{}]), 0)", bits, place) for place in places]
    body = sql("select {}", join("\n    | ", each))
    comment = "The active states of a configuration, as bits"
    return _function(plan, f"conf{suffix}", (_STATE,), sql("bigint"), body, comment)


def _leaves(plan: Plan) -> Function:
    words = tuple(ident(f"p_conf_{n + 1}" if n else "p_conf") for n in range(conf(plan).count))
    parameters = tuple(Parameter(word, sql("bigint")) for word in words)
    body = sql("select {}", paths(plan, words))
    comment = "The paths of the active leaves, in document order"
    return _function(plan, "leaves", parameters, sql("text[]"), body, comment)


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
    """XState's shape of one leaf: `"a"`, `{"a": "b"}`; `{}` if it is the root.

    `line` is the leaf and its ancestors, innermost first; the root has no part in it.
    """
    if line == [0]:
        return {}
    value: object = plan.machine.states[line[0]].key
    for index in line[1:-1]:
        value = {plan.machine.states[index].key: value}
    return value


def _accepted_rows(plan: Plan) -> dict[str, object]:
    """For each leaf, the declared events for which it or an ancestor has a candidate."""
    askers = [
        (event, {state.index for state, _ in matching(plan.machine, event)})
        for event in authorize.declared(plan)
    ]
    rows: dict[str, object] = {}
    for leaf in leaves_inside(plan.machine, 0):
        line = (leaf, *tree.ancestors(plan.machine.states, leaf))
        accepted = [event for event, states in askers if not states.isdisjoint(line)]
        rows[plan.machine.states[leaf].path] = accepted
    return rows


def _accepts_of_leaf(plan: Plan) -> Function:
    rows = jsonb_rows(_accepted_rows(plan))
    body = sql("select array(select jsonb_array_elements_text({} -> p_state[1]))", rows)
    return _function(plan, "accepts", (_STATE,), sql("text[]"), body, _ACCEPTS_COMMENT)


def _accepts(plan: Plan) -> Function:
    body = sql(
        "select array(\n    select distinct event\n"
        "    from unnest(p_state) leaf, jsonb_array_elements_text({} -> leaf) event\n"
        "    order by event\n  )",
        jsonb_rows(_accepted_rows(plan)),
    )
    return _function(plan, "accepts", (_STATE,), sql("text[]"), body, _ACCEPTS_COMMENT)
