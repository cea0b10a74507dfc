"""`v2_migrate_from_1`: the row of an earlier version in, this version's row and its commands out.

No entry or exit action runs. Nothing is written: `v2_migrate_batch_from_1` does that.
"""

from itertools import groupby
from operator import attrgetter

from pawlc.lower import actions, store
from pawlc.lower.frame import JSONB, TIME, blocks, name
from pawlc.lower.payload import source_comment
from pawlc.lower.plan import Plan
from pawlc.lower.scope import Scope, typed
from pawlc.lower.target import (
    Body,
    Branch,
    Call,
    Comment,
    Function,
    If,
    Parameter,
    Set,
    Statement,
    Variable,
)
from pawlc.lower.variables import field, own
from pawlc.model import labels
from pawlc.model.machine import Expression, Memory, Migration, Move
from pawlc.sql import Sql, ident, join, jsonb, literal, sql, text_array

CHANGED = (
    "version",
    "state",
    "seq",
    "updated_at",
    "timers",
    "invokes",
    "history",
    "needs_rescue",
)
"""The system columns that a migration changes."""

_EFFECTS, _TIMERS = sql("pawl.effect_command[]"), sql("pawl.timer_command[]")
_RENAMED = ident("p_renamed")
"""The new names of each timer that goes on under another, as jsonb; null: none does."""


def migrate(plan: Plan, migration: Migration) -> Function:
    """The pure function of one migration."""
    body: Body = (
        _place(migration, f"from version {migration.version}"),
        *_context(plan, migration),
        *_pending(plan, migration),
        _moves(plan, migration),
        *_row(plan, migration),
        Set(ident("p_effects"), own("started")),
        Set(ident("p_timers"), own("due")),
    )
    return Function(
        name=name(plan, f"migrate_from_{migration.version}"),
        parameters=(
            Parameter(ident("old"), store.instance(plan)),
            Parameter(ident("p_now"), TIME),
            Parameter(ident("p_instance"), store.instance(plan), mode="out"),
            Parameter(ident("p_effects"), _EFFECTS, mode="out"),
            Parameter(ident("p_timers"), _TIMERS, mode="out"),
            *((Parameter(_RENAMED, JSONB, mode="out"),) if renames(migration) else ()),
        ),
        returns=None,
        body=blocks(plan, _variables(), body, arrives=False),
        language="plpgsql",
        comment=f"The row that an instance of version {migration.version} becomes, and what begins",
    )


def _variables() -> tuple[Variable, ...]:
    return (
        Variable(ident("id"), sql("text"), sql("old.id"), constant=True),
        Variable(ident("now"), TIME, ident("p_now"), constant=True),
        Variable(ident("seq"), sql("bigint"), sql("old.seq + 1"), constant=True),
        Variable(ident("python"), sql("jsonb")),
        Variable(ident("state"), sql("text[]")),
        Variable(ident("timers"), sql("jsonb"), jsonb({})),
        Variable(ident("invokes"), sql("jsonb"), jsonb({})),
        Variable(ident("started"), _EFFECTS),
        Variable(ident("due"), _TIMERS),
    )


def _context(plan: Plan, migration: Migration) -> Body:
    """The fields: carried over, computed, or as they begin."""
    computed, kept = dict(migration.context), dict(migration.columns)
    body: list[Statement] = []
    for column in plan.machine.context:
        target = field(column.name)
        if column.name in migration.carried:
            body.append(Set(target, ident("old", kept.get(column.name, column.name))))
        elif (value := computed.get(column.name)) is not None:
            body.append(source_comment(value.source.span, f"context {column.name}"))
            body.append(Set(target, Scope(plan).sql(value)))
        elif column.default is not None:
            body.append(source_comment(column.source.span, f"context {column.name}"))
            body.append(Set(target, typed(plan, column.default, column.type, None)))
    if migration.python is not None:
        told = max(migration.version, plan.machine.version)  # by the later one, also its way back
        body += actions.python(plan, migration.python, None, told)
    return (*body, *store.check(plan, plan.machine.context))


def _pending(plan: Plan, migration: Migration) -> Body:
    """Delayed events stay pending; they are what no `after` named."""
    if not migration.unbound:
        return ()
    kept = sql(
        "coalesce((select jsonb_object_agg(t.key, t.value)"
        " from jsonb_each(old.timers) t where t.key not like 'after.%'), '{{}}')"
    )
    return (Set(own("timers"), kept),)


def _moves(plan: Plan, migration: Migration) -> If:
    refuse = Call(
        ident("pawl", "raise_unmapped"),
        (literal(plan.machine.name), sql("old.id"), sql("old.state")),
    )
    branches = tuple(
        Branch(sql("old.state = {}", text_array(before)), _choose(plan, migration, tuple(moves)))
        for before, moves in groupby(migration.moves, key=attrgetter("before"))
    )
    return If(branches, (_place(migration, "any other state"), refuse))


def _place(migration: Migration, label: str) -> Comment:
    """The line of what has no line of its own."""
    return source_comment(migration.span, label)


def _choose(plan: Plan, migration: Migration, moves: tuple[Move, ...]) -> Body:
    """The first move whose guards hold; each guard has a line of its own, as a transition's has."""
    move, *others = moves
    if not others:
        return _move(plan, migration, move)
    condition = join(" and ", [_guard(plan, guard) for guard in move.guards])
    what = f"{', '.join(move.before)} [{labels.conditions(move.guards)}]"
    return (
        source_comment(move.guards[0].source.span, what),
        If(
            (Branch(condition, _move(plan, migration, move)),),
            _choose(plan, migration, tuple(others)),
        ),
    )


def _guard(plan: Plan, guard: Expression) -> Sql:
    return sql("({}) is true", Scope(plan).sql(guard))


def _move(plan: Plan, migration: Migration, move: Move) -> Body:
    body: list[Statement] = [
        _place(migration, f"{', '.join(move.before)} becomes {', '.join(move.after)}"),
        Set(own("state"), text_array(move.after)),
    ]
    for before, after in move.kept_timers:
        body.append(_keep("timers", before, after))
    if names := _renamed(move):
        body.append(Set(_RENAMED, jsonb(names)))
    for invoke in move.kept_invokes:
        body.append(_keep("invokes", invoke, invoke))
    for timer in move.timers:
        body.append(source_comment(timer.span, f"timer {timer.name}"))
        body += actions.set_timer(plan, timer, None)
    for begun in move.invokes:
        body.append(source_comment(begun.span, f"invoke {begun.id}"))
        body += actions.start(plan, begun, None)
    return tuple(body)


def _keep(live: str, before: str, after: str) -> Set:
    """One that is live goes on under its `seq`; one that is not stays away."""
    entry = sql(
        "jsonb_strip_nulls(jsonb_build_object({}, {} -> {}))",
        literal(after),
        ident("old", live),
        literal(before),
    )
    return Set(own(live), sql("{} || {}", own(live), entry))


def _row(plan: Plan, migration: Migration) -> Body:
    system: dict[str, Sql] = {
        "version": sql("{}", plan.machine.version),
        "state": own("state"),
        "seq": own("seq"),
        "updated_at": own("now"),
        "timers": own("timers"),
        "invokes": own("invokes"),
        "history": _history(migration),
        "needs_rescue": sql("null"),
    }
    context = {c.column: field(c.name) for c in plan.machine.context}
    sets = (Set(ident("p_instance", n), v) for n, v in {**system, **context}.items())
    return (Set(ident("p_instance"), ident("old")), *sets)


def _history(migration: Migration) -> Sql:
    if not migration.memories:
        return jsonb({})
    kept = (sql("{}, {}", literal(m.after), _memory(m)) for m in migration.memories)
    return sql("jsonb_strip_nulls(jsonb_build_object({}))", join(", ", kept))


def _memory(memory: Memory) -> Sql:
    """What a history state remembers, in the new version's paths."""
    remembered = sql("old.history -> {}", literal(memory.before))
    if not memory.renamed:
        return remembered
    names = jsonb(dict(memory.renamed))
    return sql(
        "(select jsonb_agg(coalesce({} -> p.path, to_jsonb(p.path)) order by p.place)"
        " from jsonb_array_elements_text({}) with ordinality p (path, place))",
        names,
        remembered,
    )


def renames(migration: Migration) -> bool:
    """Whether timers go on under other names, which their rows must learn."""
    return any(_renamed(move) for move in migration.moves)


def splits(migration: Migration) -> bool:
    """Whether one timer goes on as several, in the regions that its state becomes."""
    return any(len(names) > 1 for move in migration.moves for names in _renamed(move).values())


def _renamed(move: Move) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for before, after in move.kept_timers:
        names.setdefault(before, []).append(after)
    return {before: after for before, after in names.items() if after != [before]}
