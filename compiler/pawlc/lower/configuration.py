"""Where the configuration of an instance lives while a macrostep lasts.

In a chart with one active leaf it is `self.leaf`, the leaf's path. In one with parallel or history
states it is `self.conf`, a bit for every active state; `self.state` keeps the leaves' paths as they
are stored.
"""

from pawlc.expr import names
from pawlc.lower.leaves import MANY, most_leaves
from pawlc.lower.plan import Plan
from pawlc.lower.target import Body, Branch, Each, If, Set, Variable
from pawlc.lower.variables import own
from pawlc.lower.words import WIDTH, Words
from pawlc.sql import Sql, ident, join, sql

_LEAF = sql('text collate "C"')


def conf(plan: Plan) -> Words:
    """The active states."""
    return states(plan, "conf")


def states(plan: Plan, name: str) -> Words:
    """A set of states under a name."""
    return Words(name, -(-len(plan.machine.states) // WIDTH))


def variables(plan: Plan) -> tuple[Variable, ...]:
    """The variables that hold the configuration."""
    if not plan.masks:
        return (Variable(ident("leaf"), _LEAF),)
    return (
        Variable(ident("state"), sql("text[]")),
        Variable(ident("v_leaf"), sql("text")),
        *conf(plan).variables(),
    )


def column(plan: Plan, row: Sql) -> tuple[Sql, Sql]:
    """What to read of a row, and into what."""
    if not plan.masks:
        return sql("{}.state[1]", row), own("leaf")
    return sql("{}.state", row), own("state")


def unpack(plan: Plan) -> Body:
    """After reading: make the working form of what is stored."""
    if not plan.masks:
        return ()
    words = tuple(enumerate(conf(plan).parts()))
    if most_leaves(plan) <= MANY:
        return tuple(
            Set(word, sql("{}(self.state)", _function(plan, f"conf{_suffix(number)}")))
            for number, word in words
        )
    adding = tuple(
        Set(word, sql("{} | {}(v_leaf)", word, _function(plan, f"bits{_suffix(number)}")))
        for number, word in words
    )
    return (Each(ident("v_leaf"), own("state"), adding),)


def unpack_if_any(plan: Plan) -> Body:
    """The same for an instance that may have no state yet."""
    if not plan.masks:
        return ()
    return (If((Branch(sql("self.state is not null"), unpack(plan)),)),)


def pack(plan: Plan) -> Body:
    """Before storing: make the stored form."""
    if not plan.masks:
        return ()
    leaves = sql("{}({})", _function(plan, "leaves"), join(", ", conf(plan).parts()))
    return (Set(own("state"), leaves),)


def stored(plan: Plan) -> Sql:
    """The configuration as it is stored: the leaves' paths, `text[]`."""
    return own("state") if plan.masks else sql("array[self.leaf]")


def current(plan: Plan) -> Sql:
    """The leaves' paths in the middle of a macrostep, `text[]`."""
    if not plan.masks:
        return sql("array[self.leaf]")
    return sql("{}({})", _function(plan, "leaves"), join(", ", conf(plan).parts()))


def is_new(plan: Plan) -> Sql:
    """Whether the instance has no state yet."""
    return sql("self.state is null") if plan.masks else sql("self.leaf is null")


def in_state(plan: Plan, path: str) -> str:
    """`in_state('path')` as a condition."""
    if not plan.masks:
        return f"pawl.in_state(array[self.leaf], {names.literal(path)})"
    (index,) = (s.index for s in plan.machine.states if s.path == path)
    return f"({conf(plan).has_any(1 << index)})"


def _function(plan: Plan, what: str) -> Sql:
    return ident(plan.machine.schema, f"{plan.version}_{what}")


def _suffix(number: int) -> str:
    return f"_{number + 1}" if number else ""
