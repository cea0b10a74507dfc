"""Which transition is taken: the candidates of one event, innermost state first.

Leaves come first, as one `if … elsif` over `self.leaf`, or as a binary search by name where there
are many, so that dispatch does not grow with the chart. Their ancestors follow, asked only while
nothing was taken. Guards stand in `if`s of their own below the comment that names their line:
PL/pgSQL reports an error in an `elsif` at the line of the `if`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pawlc.lower.asking import Guard, asked
from pawlc.lower.flat import is_active
from pawlc.lower.payload import source_comment
from pawlc.lower.target import Body, Branch, If, Statement
from pawlc.model import tree
from pawlc.model.machine import State, Transition
from pawlc.sql import Sql, join, literal, sql

_CHAIN = 8
"""Longer chains are searched by halves."""

Candidates = tuple[State, tuple[Transition, ...]]


@dataclass(frozen=True, slots=True)
class Selection:
    """How to ask and what to do.

    `taken` is the flag that `arm` sets; `guard` gives a candidate's condition, None when it has
    none. `otherwise` is done in a leaf that has no candidates.
    """

    taken: Sql
    guard: Callable[[Transition], Guard]
    arm: Callable[[Transition], Body]
    otherwise: Body = ()


def select(selection: Selection, candidates: Iterable[Candidates]) -> Body:
    """Ask the states that have candidates, given innermost first."""
    states = tuple(candidates)
    leaves = tuple(c for c in states if tree.is_leaf(c[0]))
    above = tuple(c for c in states if not tree.is_leaf(c[0]))
    body: list[Statement] = []
    if leaves:
        by_name = tuple(sorted(leaves, key=lambda c: c[0].path.encode()))
        body += (
            _search(selection, by_name) if len(leaves) > _CHAIN else _chain(selection, leaves[::-1])
        )
    for each in above:
        body += _ancestor(selection, each, first=not body)
    return tuple(body)


def _chain(selection: Selection, leaves: tuple[Candidates, ...]) -> Body:
    branches = tuple(Branch(is_active(state), _ask(selection, ts)) for state, ts in leaves)
    return (If(branches, selection.otherwise),)


def _search(selection: Selection, leaves: tuple[Candidates, ...]) -> Body:
    """A binary search over the leaves' names, in the order of collation "C"."""
    if len(leaves) <= _CHAIN // 2:
        return _chain(selection, leaves)
    middle = len(leaves) // 2
    pivot = sql("self.leaf < {}", literal(leaves[middle][0].path))
    low, high = _search(selection, leaves[:middle]), _search(selection, leaves[middle:])
    return (If((Branch(pivot, low),), otherwise=high),)


def _ancestor(selection: Selection, candidates: Candidates, first: bool) -> Body:
    state, transitions = candidates
    conditions = [] if first else [sql("not {}", selection.taken)]
    if state.parent is not None:
        conditions.append(is_active(state))
    asking = _ask(selection, transitions)
    if not conditions:
        return asking
    return (If((Branch(join(" and ", conditions), asking),)),)


def _ask(selection: Selection, transitions: tuple[Transition, ...]) -> Body:
    """The candidates of one state in order, up to the first without a guard."""
    body: list[Statement] = []
    for place, transition in enumerate(transitions):
        body.append(source_comment(transition.span, transition.label))
        guard = selection.guard(transition)
        unless = [sql("not {}", selection.taken)] if place else []
        before, conditions = asked(guard, unless)
        body += before
        arm = selection.arm(transition)
        body += (If((Branch(join(" and ", conditions), arm),)),) if conditions else arm
        if guard is None:
            break
    return tuple(body)
