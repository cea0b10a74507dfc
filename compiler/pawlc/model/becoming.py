"""What a state of an earlier version becomes, and on which condition.

In: `states:` as written. Out: for each state that it names the choices, guards resolved; and, for
the leaves of one configuration, every combination of choices with the targets that it leads to. A
leaf becomes what is said of it, else of its nearest ancestor (with the rest of its path, where that
exists), else itself.

Reported here: PW463; those of expressions come through from `expr`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from pawlc import syntax
from pawlc.diagnostics import Diagnostic
from pawlc.expr import cases
from pawlc.expr.names import literal
from pawlc.expr.scope import Scope
from pawlc.model.expressions import Report, World, expression, guard
from pawlc.model.machine import Expression, Kind, Machine, Origin
from pawlc.model.tree import States
from pawlc.source import Span, Text

_CASE = re.compile(r"case\s.*\send", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a state becomes if `guard` is true; without one in any case."""

    guard: Expression | None
    targets: tuple[Text, ...]


Becoming = Mapping[str, tuple[Choice, ...]]
"""By the path of the earlier version's state; the last choice of each has no guard."""


def by_path(states: States) -> dict[str, int]:
    """The states that a leaf can become."""
    return {s.path: s.index for s in states if s.path and s.kind is not Kind.HISTORY}


def becoming(world: World, old: Machine, written: syntax.Migrate, report: Report) -> Becoming:
    """Resolve `states:`."""
    return {one.state.value: tuple(_choices(world, old, one, report)) for one in written.states}


def _choices(world: World, old: Machine, become: syntax.Become, report: Report) -> Iterator[Choice]:
    open_ended = False
    for written in become.choices:
        if open_ended:
            message = f"`{become.state}` never gets to this choice: the one before has no `guard`"
            report.append(Diagnostic("PW463", message, _span(written, become), "never reached"))
            return
        open_ended = written.guard is None
        if open_ended and (case := _case(written)) is not None:
            yield from _of_case(world, old, case, report)
        elif written.guard is None:
            yield Choice(None, written.targets)
        elif (condition := guard(world, written.guard, scope(world, old), report)) is not None:
            yield Choice(condition, written.targets)
    if not open_ended:
        message = f"`{become.state}` has nowhere to go where no `guard` is true"
        hint = "end the list with a state that has no guard"
        report.append(Diagnostic("PW463", message, become.state.span, "not for all", hint))


def _span(choice: syntax.Choice, become: syntax.Become) -> Span:
    first = choice.guard.function if isinstance(choice.guard, syntax.PythonRef) else choice.guard
    return next((text for text in (first, *choice.targets) if text), become.state).span


def _case(choice: syntax.Choice) -> Text | None:
    """The only target, if it is SQL."""
    match choice.targets:
        case (Text(quoted=False) as text,) if _CASE.fullmatch(text.value.strip()):
            return text
        case _:
            return None


def _of_case(world: World, old: Machine, text: Text, report: Report) -> Iterator[Choice]:
    """A choice for each result of a `case`; the last needs no guard, since there is no other."""
    found = cases.results(text)
    value = _expression(world, old, text, "text", report)
    if value is None:
        return
    if found is None:
        message = "not every result of this `case` is the name of a state"
        hint = "write each as `'path'`, and one for `else`"
        report.append(Diagnostic("PW463", message, text.span, "not for all", hint))
        return
    distinct = tuple({one.value: one for one in found}.values())
    for result in distinct[:-1]:
        yield Choice(_is(value, result.value), (result,))
    yield Choice(None, distinct[-1:])


def _is(value: Expression, result: str) -> Expression:
    here = Origin(value.source, 0)
    return replace(
        value,
        parts=("(", *value.parts, f") = {literal(result)}"),
        type="boolean",
        origins=(here, *(value.origins or (here,) * len(value.parts)), here),
    )


def _expression(
    world: World, old: Machine, text: Text, type: str, report: Report
) -> Expression | None:
    return expression(world, text, scope(world, old), type, report)


def scope(world: World, old: Machine) -> Scope:
    """What an expression of a migration may name: the fields of the earlier version."""
    fields = {column.name: column.type for column in old.context}
    return replace(world.scope(None), context={}, claims=False, states=frozenset(), old=fields)


# --- the leaves of a configuration ------------------------------------------------------------


def combinations(
    become: Becoming, leaves: tuple[str, ...], known: Mapping[str, int]
) -> Iterator[tuple[tuple[Expression, ...], tuple[str, ...] | None]]:
    """The guards that must be true together, and the targets that they lead to.

    Of several the first counts. Targets None: a leaf has nowhere to go. `known` are the new
    version's states.
    """
    rules = tuple(dict.fromkeys(rule for leaf in leaves if (rule := rule_of(become, leaf))))
    for chosen in product(*(become[rule] for rule in rules)):
        told = {rule: choice.targets for rule, choice in zip(rules, chosen, strict=True)}
        guards = tuple(choice.guard for choice in chosen if choice.guard is not None)
        yield guards, _targets(told, leaves, known)


def rule_of(become: Mapping[str, object], leaf: str) -> str | None:
    """The state that says what a leaf becomes: itself, or the nearest around it."""
    while leaf and leaf not in become:
        leaf = leaf.rpartition(".")[0]
    return leaf or None


def _targets(
    told: Mapping[str, tuple[Text, ...]], leaves: tuple[str, ...], known: Mapping[str, int]
) -> tuple[str, ...] | None:
    found: list[str] = []
    for leaf in leaves:
        paths = becomes(leaf, told, known)
        if not paths:
            return None
        found += paths
    return tuple(found)


def becomes(
    leaf: str, told: Mapping[str, tuple[Text, ...]], known: Mapping[str, int]
) -> tuple[str, ...]:
    """What one leaf becomes: by itself, by the nearest state around it, or by its name."""
    path = rule_of(told, leaf)
    if path is None:
        return (leaf,) if leaf in known else ()
    targets = tuple(target.value for target in told[path])
    inside = targets[0] + leaf[len(path) :] if len(targets) == 1 else ""
    return (inside,) if inside in known else targets
