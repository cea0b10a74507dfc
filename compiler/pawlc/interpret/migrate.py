"""What an instance of one version becomes in another: the reference for migrations.

In: the machines of both versions, the migration, a snapshot. Out: an `Outcome` with the new
version's snapshot and what begins. No entry or exit action runs and no transition is taken.

- Computed fields read the old ones only; then come defaults for what neither computes nor carries,
  and then what a Python function makes of the old ones.
- A timer or invoke that goes on is live only if it was: one that fired or answered stays over. All
  others of the earlier version are over too, but for delayed events where those can be pending.
- What begins sees the new context, and begins now.
"""

from collections.abc import Mapping
from dataclasses import replace

from pawlc.interpret.run import Run
from pawlc.interpret.trace import (
    CallPython,
    Environment,
    Evaluate,
    Event,
    Facts,
    Failed,
    LiveTimer,
    Outcome,
    Snapshot,
)
from pawlc.model import tree
from pawlc.model.machine import Expression, Machine, Migration, Move


def migrated(
    old: Machine,
    new: Machine,
    migration: Migration,
    snapshot: Snapshot,
    evaluate: Evaluate,
    facts: Facts,
    python: CallPython | None = None,
) -> Outcome:
    """Migrate one instance. Raises `Failed` for a configuration that the migration lacks."""

    def value(expression: Expression) -> object:
        environment = Environment({}, Event(""), facts, new, (), old=snapshot.context)
        return evaluate(expression, environment)

    leaves = tree.leaves(old.states, snapshot.configuration)
    before = tuple(old.states[leaf].path for leaf in leaves)
    for move in migration.moves:
        if move.before == before and all(value(guard) is True for guard in move.guards):
            break
    else:
        raise Failed(f"nothing becomes of {', '.join(before)}")
    started = Snapshot(
        configuration=_configuration(new, move),
        context={},
        history=_history(old, new, migration, snapshot),
        timers=tuple(_kept_timers(migration, move, snapshot)),
        invokes=tuple(id for id in move.kept_invokes if id in snapshot.invokes),
    )
    run = Run(new, evaluate, facts, None, started, Event(""))
    run.context = dict.fromkeys(column.name for column in new.context)
    computed = {name: value(expression) for name, expression in migration.context}
    _fill(run, new, migration, snapshot.context, computed)
    if (called := migration.python) is not None:
        if python is None:
            raise LookupError(f"no Python to call {called.function} with")
        run.context.update(python(called.function, tuple(map(value, called.arguments))))
    run.begin(move.timers, move.invokes)
    return run.outcome(handled=True)


def _fill(
    run: Run,
    new: Machine,
    migration: Migration,
    before: Mapping[str, object],
    computed: Mapping[str, object],
) -> None:
    """The fields: carried over, computed, or as they begin."""
    for column in new.context:
        if column.name in migration.carried:
            run.context[column.name] = before[column.name]
        elif column.name in computed:
            run.context[column.name] = computed[column.name]
        elif column.default is not None:
            run.context[column.name] = run.value(replace(column.default, type=column.type))


def _configuration(new: Machine, move: Move) -> tuple[int, ...]:
    paths = {state.path: state.index for state in new.states}
    leaves = [paths[path] for path in move.after]
    above = {a for leaf in leaves for a in tree.ancestors(new.states, leaf)}
    return tuple(sorted({*leaves, *above}))


def _kept_timers(migration: Migration, move: Move, snapshot: Snapshot) -> list[LiveTimer]:
    """Those that go on, under the new version's names, at their old moment and in their old order;
    one that goes on as several is the first of them, the others come last."""
    names: dict[str, list[str]] = {}
    for before, after in move.kept_timers:
        names.setdefault(before, []).append(after)
    kept: list[LiveTimer] = []
    others: list[LiveTimer] = []
    for timer in snapshot.timers:
        if migration.unbound and not timer.name.startswith("after."):
            kept.append(timer)
            continue
        for place, name in enumerate(names.get(timer.name, ())):
            renamed = replace(timer, name=name, event=Event(name, external=False))
            (others if place else kept).append(renamed)
    return kept + others


def _history(
    old: Machine, new: Machine, migration: Migration, snapshot: Snapshot
) -> dict[int, tuple[int, ...]]:
    """What is remembered, in the new version's states."""
    before = {state.path: state.index for state in old.states}
    after = {state.path: state.index for state in new.states}
    found: dict[int, tuple[int, ...]] = {}
    for memory in migration.memories:
        remembered = snapshot.history.get(before[memory.before])
        if remembered:
            paths = (old.states[index].path for index in remembered)
            renamed = dict(memory.renamed)
            mapped = sorted(after[renamed.get(path, path)] for path in paths)
            found[after[memory.after]] = tuple(mapped)
    return found
