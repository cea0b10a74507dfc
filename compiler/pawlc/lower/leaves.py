"""Active leaves and what a reply says of them, as expressions over constants.

Where no parallel state lies inside another, the compiler knows which leaves can stand at each place
of `state`: either one leaf outside all parallel states, or one of each region of one of them. Then
both ways are one expression. Other charts go through the loops of `pawl.bit_names` and
`pawl.state_value`.
"""

from collections.abc import Callable, Iterable

from pawlc.lower.plan import Plan, leaves_inside
from pawlc.lower.words import WIDTH, mask, split
from pawlc.model import tree
from pawlc.model.machine import Kind, State
from pawlc.sql import Sql, join, jsonb, jsonb_rows, literal, sql

MANY = 8
"""From so many leaves at once on, a loop is shorter than the expression."""


def outermost_parallels(plan: Plan) -> tuple[State, ...] | None:
    """The parallel states, if none lies inside another."""
    states = plan.machine.states
    found = tuple(s for s in states if s.kind is Kind.PARALLEL)
    nested = any(tree.is_descendant(states, a.index, b.index) for a in found for b in found)
    return None if nested else found


def most_leaves(plan: Plan) -> int:
    """How many leaves can be active at once."""
    return _most(plan, 0)


def _most(plan: Plan, index: int) -> int:
    state = plan.machine.states[index]
    inside = [_most(plan, child) for child in tree.regions(plan.machine.states, index)]
    if not inside:
        return 1
    return sum(inside) if state.kind is Kind.PARALLEL else max(inside)


# --- bits -> paths ----------------------------------------------------------------------------


def paths(plan: Plan, words: tuple[Sql, ...]) -> Sql:
    """The paths of the active leaves in document order; `words` hold the active states."""
    parallels = outermost_parallels(plan)
    if parallels is None or most_leaves(plan) > MANY:
        return paths_inside(plan, words, 0)
    inside = [s for p in parallels for s in range(p.index, p.last + 1)]
    outside = [leaf for leaf in leaves_inside(plan.machine, 0) if leaf not in inside]
    arrays = [
        (
            _has(words, p.index),
            [_path(plan, words, leaves_inside(plan.machine, r)) for r in _regions(plan, p)],
        )
        for p in parallels
    ]
    alone = [_path(plan, words, tuple(outside))] if outside else []
    return _by_parallel(
        arrays, lambda parts: sql("array[\n      {}\n    ]", join(",\n      ", parts)), alone
    )


def _regions(plan: Plan, parallel: State) -> tuple[int, ...]:
    return tree.regions(plan.machine.states, parallel.index)


def _by_parallel(
    cases: list[tuple[Sql, list[Sql]]], make: Callable[[list[Sql]], Sql], otherwise: list[Sql]
) -> Sql:
    """A `case` over the parallel states, if there is a choice."""
    if len(cases) == 1 and not otherwise:
        return make(cases[0][1])
    whens = [sql("when {} then {}", condition, make(parts)) for condition, parts in cases]
    if otherwise:
        whens.append(sql("else {}", make(otherwise)))
    return sql("case\n    {}\n  end", join("\n    ", whens)) if cases else make(otherwise)


def _has(words: tuple[Sql, ...], index: int) -> Sql:
    number, bit = divmod(index, WIDTH)
    return sql("{} & {} <> 0", words[number], 1 << bit)


def _path(plan: Plan, words: tuple[Sql, ...], leaves: tuple[int, ...]) -> Sql:
    """The path of the one active leaf among these."""
    if len(leaves) == 1:
        return literal(plan.machine.states[leaves[0]].path)
    found = []
    for number, bits in enumerate(split(mask(leaves), len(words))):
        names = _by_bit(plan, leaves, number)
        if names is not None:
            found.append(sql("{} ->> ({} & {})::text", names, words[number], bits))
    return found[0] if len(found) == 1 else sql("coalesce({})", join(", ", found))


def paths_inside(plan: Plan, words: tuple[Sql, ...], index: int) -> Sql:
    """The paths of the active leaves at or below a state, in document order."""
    leaves = leaves_inside(plan.machine, index)
    found = []
    for number, bits in enumerate(split(mask(leaves), len(words))):
        names = _by_bit(plan, leaves, number)
        if names is not None:
            found.append(sql("pawl.bit_names({} & {}::bigint, {})", words[number], bits, names))
    return join("\n    || ", found)


def _by_bit(plan: Plan, leaves: Iterable[int], number: int) -> Sql | None:
    """The paths of the leaves in a word, by the value of their bits; None if it has none."""
    names = {
        str(1 << (leaf % WIDTH)): plan.machine.states[leaf].path
        for leaf in leaves
        if leaf // WIDTH == number
    }
    return jsonb(names) if names else None


# --- paths -> the shape of XState's value -------------------------------------------------------


def state_value(plan: Plan) -> Sql:
    """The configuration `p_state` in XState's shape."""
    parallels = outermost_parallels(plan)
    if parallels is None:
        return sql("pawl.state_value(p_state)")
    inside = [s for p in parallels for s in range(p.index, p.last + 1)]
    outside = [leaf for leaf in leaves_inside(plan.machine, 0) if leaf not in inside]
    cases = [(_begins_inside(p), [_around(plan, p)]) for p in parallels]
    alone = [sql("{} -> p_state[1]", _values(plan, outside, 0))] if outside else []
    return _by_parallel(cases, lambda parts: parts[0], alone)


def _values(plan: Plan, leaves: Iterable[int], top: int) -> Sql:
    """The values of leaves inside `top`, by their paths."""
    return jsonb_rows({plan.machine.states[leaf].path: _below(plan, leaf, top) for leaf in leaves})


def _below(plan: Plan, leaf: int, top: int) -> object:
    """The value of a leaf inside `top`: its key, and the keys around it."""
    value: object = plan.machine.states[leaf].key
    for ancestor in tree.ancestors(plan.machine.states, leaf, top):
        value = {plan.machine.states[ancestor].key: value}
    return value


def _begins_inside(parallel: State) -> Sql:
    return sql("starts_with(p_state[1], {})", literal(f"{parallel.path}." if parallel.path else ""))


def _around(plan: Plan, parallel: State) -> Sql:
    """The value of a parallel state, inside the objects of its ancestors."""
    states = plan.machine.states
    pairs = [
        sql("{}, {}", literal(states[region].key), _region(plan, region, place))
        for place, region in enumerate(_regions(plan, parallel), start=1)
    ]
    value = sql("jsonb_build_object({})", join(", ", pairs))
    for index in (parallel.index, *tree.ancestors(states, parallel.index)):
        if states[index].parent is not None:
            value = sql("jsonb_build_object({}, {})", literal(states[index].key), value)
    return value


def _region(plan: Plan, region: int, place: int) -> Sql:
    if tree.is_leaf(plan.machine.states[region]):
        return jsonb({})
    values = _values(plan, leaves_inside(plan.machine, region), region)
    return sql("{} -> p_state[{}]", values, place)
