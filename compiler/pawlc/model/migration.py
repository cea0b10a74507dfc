"""`migrate` resolved: what becomes of every configuration, field, timer and invoke.

In: the definition as written, its machine, the machines of the versions that it names. Out: a
`Migration` for each; for each to which instances can go back, its machine with the one `Migration`
that leads there; and every complaint.

    migration   names and fields
    becoming    what the leaves of a configuration become, and on which condition
    moves       what each configuration becomes; its timers and invokes
    memories    what history states remember
    ways        whether to come in one step or in several makes a difference

Reported here: PW360, PW460, PW462 and PW465; in `becoming` PW463, in `moves` PW461 and PW462, in
`memories` PW462, in `ways` PW464; those of expressions come through from `expr`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from pawlc import syntax
from pawlc.diagnostics import Diagnostic, Severity
from pawlc.expr.same import same_type
from pawlc.model import configurations as sets
from pawlc.model import events, python, ways
from pawlc.model.becoming import Becoming, becoming, by_path, scope
from pawlc.model.expressions import Report, World, pairs
from pawlc.model.machine import (
    Expression,
    Kind,
    Machine,
    Migration,
    PythonAssign,
    RaiseLater,
    Send,
    SessionSend,
    inside,
)
from pawlc.model.memories import SKIPPED, memories
from pawlc.model.moves import MOST, moves
from pawlc.model.tree import States
from pawlc.source import Span, Text
from pawlc.suggest import did_you_mean


def migrations(
    world: World, new: Machine, earlier: Mapping[int, Machine], report: Report
) -> tuple[Migration, ...]:
    """Resolve every entry of `migrate`; in SCXML too an expression that is wrong is an error."""
    world = _strict(world)
    found: list[Migration] = []
    for written in world.machine.migrate:
        version = int(written.version.value)
        old = earlier.get(version)
        if old is None or version == new.version:
            message = f"there is no version {version} to migrate from"
            _unknown(report, written.version, message, _KEPT)
        elif (migration := _migration(world, old, new, written, report)) is not None:
            pending = _pending(old, new, written, report)
            found.append(replace(migration, unbound=_has_delayed(old), pending=pending))
    report += ways.differing(tuple(found), earlier)
    return tuple(found)


def returns(
    world: World, new: Machine, earlier: Mapping[int, Machine], report: Report
) -> tuple[Machine, ...]:
    """Resolve every `back`: the earlier versions, each with the migration from this one alone."""
    world = _strict(world)
    found: list[Machine] = []
    for written in (one.back for one in world.machine.migrate if one.back is not None):
        target = earlier.get(int(written.version.value))
        if target is None or target.version == new.version:
            continue
        migration = _migration(world, new, target, written, report)
        if migration is not None:
            stays = _stay(new, target, written, report)
            pending = _raised(new) if stays else ()
            moved = replace(migration, unbound=stays, pending=pending)
            found.append(replace(target, migrations=(moved,), back=()))
    report += ways.differing_back(tuple(found), earlier)
    return tuple(found)


def _strict(world: World) -> World:
    return replace(world, machine=replace(world.machine, reading="xstate"))


def _migration(
    world: World, old: Machine, new: Machine, written: syntax.Migrate, report: Report
) -> Migration | None:
    """What becomes of `old` in `new`, one of which is the definition's own; not what is delayed."""
    if (number := sets.count(old.states)) > MOST:
        message = f"version {old.version} has {number} configurations, more than {MOST}"
        report.append(Diagnostic("PW461", message, written.version.span, "too many"))
        return None
    called = _python(world, old, new, written, report)
    context = _context(world, old, new, written, report)
    known = len(report)
    become = becoming(world, old, written, report)
    _check_names(old, new, written, become, report)
    if len(report) > known:
        return None
    return Migration(
        version=old.version,
        moves=moves(old, new, written, become, report),
        context=context,
        carried=_carried(old, new, written, called, report),
        columns=tuple((c.name, c.kept_in) for c in old.context if c.kept_in is not None),
        memories=memories(old, new, written, become, report),
        unbound=False,
        pending=(),
        span=written.version.span,
        python=called,
    )


_KEPT = "deploy keeps each version's source in versions/: it must be there beside the definition"


def _unknown(report: Report, text: Text, message: str, hint: str | None) -> None:
    report.append(Diagnostic("PW460", message, text.span, "not there", hint))


# --- names ------------------------------------------------------------------------------------


def _check_names(
    old: Machine, new: Machine, written: syntax.Migrate, become: Becoming, report: Report
) -> None:
    """Refuse states, timers and invokes that neither version has."""
    was, now = f"version {old.version}", f"version {new.version}"
    before, after = by_path(old.states), by_path(new.states)
    for one in written.states:
        _named(report, one.state, before, was, "state")
    for choice in (choice for choices in become.values() for choice in choices):
        for target in choice.targets:
            _named(report, target, after, now, "state")
    timers = (timer.name for state in new.states for timer in state.timers)
    invokes = (invoke.id for state in new.states for invoke in state.invokes)
    for rules, known, what in (
        (written.timers, tuple(timers), "timer"),
        (written.invokes, tuple(invokes), "invoke"),
        (written.history, _histories(new.states), "history state"),
    ):
        for rule in rules:
            _named(report, rule.name, known, now, what)
    remembered = _histories(old.states)
    for rule in written.history:
        if rule.rule.value not in SKIPPED:
            _named(report, rule.rule, remembered, was, "history state")


def _named(report: Report, text: Text, known: Iterable[str], where: str, what: str) -> None:
    known = tuple(known)
    if text.value not in known:
        hint = did_you_mean(text.value, known)
        _unknown(report, text, f"{where} has no {what} `{text}`", hint)


def _histories(states: States) -> tuple[str, ...]:
    return tuple(state.path for state in states if state.kind is Kind.HISTORY)


# --- fields -----------------------------------------------------------------------------------


def _context(
    world: World, old: Machine, new: Machine, written: syntax.Migrate, report: Report
) -> tuple[tuple[str, Expression], ...]:
    """The fields that the migration computes, in terms of `old`."""
    types = _types(new)
    for pair in written.context:
        if pair.name.value not in types:
            hint = did_you_mean(pair.name.value, tuple(types))
            _unknown(report, pair.name, f"the context has no field `{pair.name}`", hint)
    return pairs(world, written.context, scope(world, old), report, types)


def _types(machine: Machine) -> dict[str, str]:
    return {column.name: column.type for column in machine.context}


def _python(
    world: World, old: Machine, new: Machine, written: syntax.Migrate, report: Report
) -> PythonAssign | None:
    """The function that computes fields; none of those under `context`."""
    if written.python is None:
        return None
    there = scope(world, old)
    found = python.migration(world.companion, written.python, there, _types(new), report)
    for pair in written.context:
        if found is not None and pair.name.value in found.fields:
            message = f"`{found.function}` computes field `{pair.name}` too"
            hint = "leave it out here, or there"
            report.append(Diagnostic("PW360", message, pair.name.span, "twice", hint))
    return found


def _carried(
    old: Machine,
    new: Machine,
    written: syntax.Migrate,
    called: PythonAssign | None,
    report: Report,
) -> tuple[str, ...]:
    """The fields that both versions have and no expression computes; a function may, after that."""
    computed = {pair.name.value for pair in written.context}
    unknown = called is None and written.python is not None  # reported where it is wrong
    certain = () if called is None else called.certain
    before = {column.name: column for column in old.context}
    carried = []
    for column in new.context:
        if column.name in computed:
            continue
        if (known := before.get(column.name)) is not None and same_type(known, column):
            carried.append(column.name)
        elif unknown or column.name in certain:
            continue
        elif column.not_null and column.default is None:
            message = f"field `{column.name}` is `not null`, and version {old.version} has no value"
            hint = f"compute it: `context: {{ {column.name}: … }}`, from `old.<field>`"
            if called is not None and column.name in called.fields:
                hint = f"let every `return` of `{called.function}` have it"
            report.append(Diagnostic("PW462", message, written.version.span, hint=hint))
    return tuple(carried)


# --- delayed events ---------------------------------------------------------------------------


def _pending(
    old: Machine, new: Machine, written: syntax.Migrate, report: Report
) -> tuple[str, ...]:
    """The delayed events that may be pending; each must be one that the new version takes."""
    later = _raised(old)
    span: Span = written.version.span
    for event in _unheard(later, new):
        message = f"a delayed `{event}` of version {old.version} may be pending; nothing takes it"
        hint = f"let a state of version {new.version} take `{event}`"
        report.append(Diagnostic("PW462", message, span, hint=hint))
    return later


def _stay(new: Machine, target: Machine, written: syntax.Migrate, report: Report) -> bool:
    """Whether delayed events stay pending on the way back.

    The version that is gone back to was made without a thought of them: if it delays nothing
    itself, or does not take one of them, all end.
    """
    if not _has_delayed(new):
        return False
    unheard = _unheard(_raised(new), target)
    if _has_delayed(target) and not unheard:
        return True
    what = f"does not take `{unheard[0]}`" if unheard else "delays no event itself"
    message = (
        f"delayed events of version {new.version} end on the way back: "
        f"version {target.version} {what}"
    )
    span, warning = written.version.span, Severity.WARNING
    report.append(Diagnostic("PW465", message, span, "may be pending", severity=warning))
    return False


def _raised(machine: Machine) -> tuple[str, ...]:
    """The events that may be pending for an instance: its version's, and of those before."""
    raised = [event for action in _delayed(machine) for event in _own_events(action)]
    raised += (event for one in machine.migrations for event in one.pending)
    return tuple(dict.fromkeys(raised))


def _unheard(later: tuple[str, ...], machine: Machine) -> tuple[str, ...]:
    heard = [t.trigger for s in machine.states for t in s.transitions if t.trigger is not None]
    return tuple(e for e in later if not any(events.matches(trigger, e) for trigger in heard))


def _has_delayed(machine: Machine) -> bool:
    """Whether a delayed event may be pending in an instance of a version."""
    return any(_delayed(machine)) or any(one.unbound for one in machine.migrations)


def _delayed(machine: Machine) -> Iterator[RaiseLater | Send | SessionSend]:
    """The delayed events that a machine raises or sends."""
    for action in inside(tuple(machine.actions())):
        match action:
            case RaiseLater():
                yield action
            case Send(delay=delay) | SessionSend(delay=delay) if delay is not None:
                yield action
            case _:
                pass


def _own_events(action: RaiseLater | Send | SessionSend) -> Iterator[str]:
    """What an instance gets itself; of SCXML, where both event and target are written out."""
    match action:
        case RaiseLater(event=event):
            yield event
        case SessionSend(name=str() as event, target=None):
            yield event
        case _:
            pass
