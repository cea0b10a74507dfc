"""What becomes of the memory of history states in a migration.

A history state goes on from the one of the same path, or from the one that `history:` names, if
whatever that can remember is something that this one could. Remembered states become what `states:`
says of them, without conditions.

Reported here: PW462.
"""

from collections.abc import Iterator

from pawlc import syntax
from pawlc.diagnostics import Diagnostic
from pawlc.model import configurations as sets
from pawlc.model import tree
from pawlc.model.becoming import Becoming, becomes, by_path, rule_of
from pawlc.model.expressions import Report
from pawlc.model.machine import Kind, Machine, Memory, State
from pawlc.model.tree import States

KEEP, SKIP = "keep", "skip"
SKIPPED = (KEEP, SKIP)


def memories(
    old: Machine, new: Machine, written: syntax.Migrate, become: Becoming, report: Report
) -> tuple[Memory, ...]:
    """The history states that go on remembering; those without a rule only where it fits."""
    return tuple(_memories(old, new, written, become, report))


def _memories(
    old: Machine, new: Machine, written: syntax.Migrate, become: Becoming, report: Report
) -> Iterator[Memory]:
    before = {s.path: s for s in old.states if s.kind is Kind.HISTORY}
    rules = {rule.name.value: rule.rule for rule in written.history}
    for state in (s for s in new.states if s.kind is Kind.HISTORY):
        rule = rules.get(state.path)
        if rule is not None and rule.value == SKIP:
            continue
        name = state.path if rule is None or rule.value == KEEP else rule.value
        known = before.get(name)
        renamed = None if known is None else _renamed(old, new, known, state, become)
        if renamed is not None:
            yield Memory(name, state.path, renamed)
        elif rule is not None:
            what = f"`{name}` of version {old.version}"
            message = f"what {what} remembers does not fit `{state.path}`"
            hint = f"map it under `states`, or say `history: {{ {state.path}: skip }}`"
            report.append(Diagnostic("PW462", message, rule.span, hint=hint))


def _renamed(
    old: Machine, new: Machine, before: State, after: State, become: Becoming
) -> tuple[tuple[str, str], ...] | None:
    """The remembered paths that are others now; None if some memory would not fit."""
    if before.history != after.history:
        return None
    known = by_path(new.states)
    fitting = {frozenset(memory) for memory in _possible(new.states, after)}
    found: dict[str, str] = {}
    for memory in _possible(old.states, before):
        mapped = {path: _becomes(path, become, known) for path in memory}
        now = [path for path in mapped.values() if path is not None]
        if len(now) < len(memory) or frozenset(now) not in fitting:
            return None
        found |= dict(zip(memory, now, strict=True))
    return tuple((path, now) for path, now in found.items() if path != now)


def _becomes(path: str, become: Becoming, known: dict[str, int]) -> str | None:
    rule = rule_of(become, path)
    if rule is not None and len(become[rule]) > 1:
        return None
    told = {} if rule is None else {rule: become[rule][0].targets}
    match becomes(path, told, known):
        case (one,):
            return one
        case _:
            return None


def _possible(states: States, history: State) -> Iterator[tuple[str, ...]]:
    """Everything that a history state can remember: children, or leaves if it is deep."""
    parent = states[history.parent or 0]
    regions = tree.regions(states, parent.index)
    if history.history == "deep":
        for inside in sets.configurations(states, parent.index):
            yield sets.paths(states, inside)
    elif parent.kind is Kind.PARALLEL:
        yield tuple(states[region].path for region in regions)
    else:
        for child in regions:
            yield (states[child].path,)
