"""`migrate` resolved: what becomes of every configuration, field, timer and invoke.

In: the definition as written, its machine, the machines of the versions that it names. Out: a
`Migration` for each, and every complaint. A leaf becomes what `states` says of it, else of its
nearest ancestor (with the rest of its path, where that exists), else itself. A timer continues one
with the same delay, an invoke one with the same id and effect; where there is none, or several, a
rule must say what to do.

Reported here: PW460 to PW462; those of expressions come through from `expr`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pawlc import syntax
from pawlc.diagnostics import Diagnostic
from pawlc.expr.same import same_type
from pawlc.model import configurations as sets
from pawlc.model import events
from pawlc.model.expressions import Report, World, pairs
from pawlc.model.machine import (
    Expression,
    Invoke,
    Kind,
    Machine,
    Migration,
    Move,
    RaiseLater,
    Ref,
    Send,
    State,
    Timer,
)
from pawlc.model.tree import States
from pawlc.source import Span, Text
from pawlc.suggest import did_you_mean

MOST = 1000
"""Configurations of an earlier version; the generated code names each."""
_SHOWN = 5


def migrations(
    world: World, new: Machine, earlier: Mapping[int, Machine], report: Report
) -> tuple[Migration, ...]:
    """Resolve every entry of `migrate`."""
    found = (_migration(world, new, written, earlier, report) for written in world.machine.migrate)
    return tuple(migration for migration in found if migration is not None)


def _migration(
    world: World,
    new: Machine,
    written: syntax.Migrate,
    earlier: Mapping[int, Machine],
    report: Report,
) -> Migration | None:
    version = int(written.version.value)
    old = earlier.get(version)
    if old is None or version == new.version:
        _unknown(report, written.version, f"there is no version {version} to migrate from", _KEPT)
        return None
    if (number := sets.count(old.states)) > MOST:
        message = f"version {version} has {number} configurations, more than {MOST}"
        report.append(Diagnostic("PW461", message, written.version.span, "too many"))
        return None
    known = len(report)
    _check_names(old, new, written, report)
    if len(report) > known:
        return None
    context = _context(world, old, written, report)
    return Migration(
        version=version,
        moves=_moves(old, new, written, report),
        context=context,
        carried=_carried(old, new, written, report),
        kept_history=tuple(_kept_history(old, new)),
        unbound=_unbound(old, new, written, report),
        span=written.version.span,
    )


_KEPT = "deploy keeps each version's source in versions/: it must be there beside the definition"


def _unknown(report: Report, text: Text, message: str, hint: str | None) -> None:
    report.append(Diagnostic("PW460", message, text.span, "not there", hint))


# --- names ------------------------------------------------------------------------------------


def _check_names(old: Machine, new: Machine, written: syntax.Migrate, report: Report) -> None:
    """Refuse states, timers and invokes that neither version has."""
    before, after = _by_path(old.states), _by_path(new.states)
    for become in written.states:
        _named(report, become.state, before, f"version {old.version}", "state")
        for target in become.targets:
            _named(report, target, after, f"version {new.version}", "state")
    timers = {timer.name for state in new.states for timer in state.timers}
    invokes = {invoke.id for state in new.states for invoke in state.invokes}
    for rules, known, what in (
        (written.timers, timers, "timer"),
        (written.invokes, invokes, "invoke"),
    ):
        for rule in rules:
            _named(report, rule.name, dict.fromkeys(known, 0), f"version {new.version}", what)


def _named(report: Report, text: Text, known: Mapping[str, int], where: str, what: str) -> None:
    if text.value not in known:
        hint = did_you_mean(text.value, tuple(known))
        _unknown(report, text, f"{where} has no {what} `{text}`", hint)


def _by_path(states: States) -> dict[str, int]:
    return {s.path: s.index for s in states if s.path and s.kind is not Kind.HISTORY}


# --- fields -----------------------------------------------------------------------------------


def _context(
    world: World, old: Machine, written: syntax.Migrate, report: Report
) -> tuple[tuple[str, Expression], ...]:
    """The fields that the migration computes, in terms of `old`."""
    for pair in written.context:
        if pair.name.value not in world.context:
            hint = did_you_mean(pair.name.value, tuple(world.context))
            _unknown(report, pair.name, f"the context has no field `{pair.name}`", hint)
    fields = {column.name: column.type for column in old.context}
    scope = replace(world.scope(None), context={}, claims=False, states=frozenset(), old=fields)
    types = {name: column.type for name, column in world.context.items()}
    return pairs(world, written.context, scope, report, types)


def _carried(
    old: Machine, new: Machine, written: syntax.Migrate, report: Report
) -> tuple[str, ...]:
    """The fields that both versions have and the migration does not compute."""
    computed = {pair.name.value for pair in written.context}
    before = {column.name: column for column in old.context}
    carried = []
    for column in new.context:
        if column.name in computed:
            continue
        if (known := before.get(column.name)) is not None and same_type(known, column):
            carried.append(column.name)
        elif column.not_null and column.default is None:
            message = f"field `{column.name}` is `not null`, and version {old.version} has no value"
            hint = f"compute it: `context: {{ {column.name}: … }}`, from `old.<field>`"
            report.append(Diagnostic("PW462", message, written.version.span, hint=hint))
    return tuple(carried)


# --- configurations ---------------------------------------------------------------------------


def _moves(old: Machine, new: Machine, written: syntax.Migrate, report: Report) -> tuple[Move, ...]:
    """What becomes of each configuration in which an instance can be running."""
    beginnings = _Beginnings(old, new, written)
    lost: list[str] = []
    ended: list[str] = []
    moves = []
    for configuration in sets.configurations(old.states):
        if sets.is_done(old.states, configuration):
            continue
        before = sets.paths(old.states, configuration)
        targets = _targets(old, new, written, before)
        after = None if targets is None else sets.completed(new.states, targets)
        if after is None:
            lost.append(_shown(before))
        elif sets.is_done(new.states, after):
            ended.append(_shown(before))
        else:
            moves.append(beginnings.move(configuration, after))
    _complain(report, written, lost, "no state to go to", "name one under `states`")
    _complain(report, written, ended, "only a final state to go to", "stop them before migrating")
    report += beginnings.complaints()
    return tuple(moves)


def _complain(
    report: Report, written: syntax.Migrate, found: list[str], what: str, hint: str
) -> None:
    if found:
        message = f"from version {written.version}, {_listed(found)} has {what}"
        if len(found) > 1:
            message = message.replace(" has ", " have ")
        report.append(Diagnostic("PW461", message, written.version.span, hint=hint))


def _targets(
    old: Machine, new: Machine, written: syntax.Migrate, leaves: tuple[str, ...]
) -> tuple[int, ...] | None:
    """The states that a configuration's leaves become; None if one has nowhere to go."""
    known = _by_path(new.states)
    told = {become.state.value: become.targets for become in written.states}
    found: list[int] = []
    for leaf in leaves:
        paths = _becomes(leaf, told, known)
        if not paths or any(path not in known for path in paths):
            return None
        found += [known[path] for path in paths]
    return tuple(found)


def _becomes(
    leaf: str, told: Mapping[str, tuple[Text, ...]], known: Mapping[str, int]
) -> tuple[str, ...]:
    """What one leaf becomes: by itself, by the nearest state around it, or by its name."""
    line = [leaf]
    while "." in line[-1]:
        line.append(line[-1].rpartition(".")[0])
    for path in line:
        if path in told:
            targets = tuple(target.value for target in told[path])
            inside = targets[0] + leaf[len(path) :] if len(targets) == 1 else ""
            return (inside,) if inside in known else targets
    return (leaf,) if leaf in known else ()


def _shown(paths: tuple[str, ...]) -> str:
    return f"`{', '.join(paths)}`"


def _listed(found: list[str]) -> str:
    """
    >>> _listed(["`a`", "`b`"])
    '`a`, `b`'
    """
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + more


# --- timers and invokes -----------------------------------------------------------------------


@dataclass(slots=True)
class _Open:
    """A timer or invoke that no rule settles, and the configurations that it concerns."""

    name: str
    kind: str
    why: str
    hint: str
    places: list[str]


class _Beginnings:
    """Which timers and invokes go on, which begin; remembers what no rule settles."""

    def __init__(self, old: Machine, new: Machine, written: syntax.Migrate) -> None:
        self._old, self._new = old, new
        self._span = written.version.span
        self._timers = {rule.name.value: rule.rule.value for rule in written.timers}
        self._invokes = {rule.name.value: rule.rule.value for rule in written.invokes}
        self._open: dict[tuple[str, str], _Open] = {}

    def move(self, before: frozenset[int], after: frozenset[int]) -> Move:
        """One configuration's move."""
        was = sets.paths(self._old.states, before)
        left = [self._old.states[index] for index in sorted(before)]
        entered = [self._new.states[index] for index in sorted(after)]
        kept_timers: list[tuple[str, str]] = []
        timers: list[Timer] = []
        for state in entered:
            for timer in state.timers:
                known = self._counterpart(left, state, timer)
                rule = self._rule(self._timers.get(timer.name), "timer", timer.name, known, was)
                if rule == "keep" and known is not None:
                    kept_timers.append((known, timer.name))
                elif rule == "begin" and self._can_begin(timer.name, "timer", timer.delay):
                    timers.append(timer)
        kept_invokes: list[str] = []
        invokes: list[Invoke] = []
        for state in entered:
            for invoke in state.invokes:
                same = [i.id for s in left for i in s.invokes if _is_same(i, invoke)]
                there = same[0] if same else None
                rule = self._rule(self._invokes.get(invoke.id), "invoke", invoke.id, there, was)
                inputs = tuple(value for _, value in invoke.input)
                if rule == "keep":
                    kept_invokes.append(invoke.id)
                elif rule == "begin" and self._can_start(invoke, inputs):
                    invokes.append(invoke)
        return Move(
            before=was,
            after=sets.paths(self._new.states, after),
            kept_timers=tuple(kept_timers),
            kept_invokes=tuple(kept_invokes),
            timers=tuple(timers),
            invokes=tuple(invokes),
        )

    def _rule(
        self, rule: str | None, kind: str, name: str, known: str | None, where: tuple[str, ...]
    ) -> str:
        """`keep`, `begin` or `skip`; an open question is noted."""
        match rule:
            case "skip":
                return "skip"
            case "restart":
                return "begin"
            case "start" if known is None:
                return "begin"
            case _ if known is not None:
                return "keep"
            case _:
                why = f"has no counterpart in version {self._old.version}"
                hint = f"say `{kind}s: {{ {name}: start }}`, or `skip`"
                self._note(kind, name, why, hint).places.append(_shown(where))
                return "skip"

    def _can_start(self, invoke: Invoke, inputs: tuple[Expression, ...]) -> bool:
        """Whether an invoke can begin; a child machine begins in its parent's transition alone."""
        if not invoke.child:
            return self._can_begin(invoke.id, "invoke", *inputs)
        why = "is a child machine, which cannot begin in a migration"
        self._note("invoke", invoke.id, why, f"say `invokes: {{ {invoke.id}: keep }}`, or `skip`")
        return False

    def _can_begin(self, name: str, kind: str, *values: Expression) -> bool:
        """Whether what begins can be computed: in a migration there is no event."""
        if all(ref.space not in ("event", "claims", "in_state") for ref in _refs(values)):
            return True
        why = "reads the event, `claims` or `in_state`, and so cannot begin in a migration"
        self._note(kind, name, why, f"say `{kind}s: {{ {name}: keep }}`, or `skip`")
        return False

    def _note(self, kind: str, name: str, why: str, hint: str) -> _Open:
        return self._open.setdefault((kind, name), _Open(name, kind, why, hint, []))

    def complaints(self) -> Iterator[Diagnostic]:
        """What no rule settles, with the configurations concerned."""
        for one in self._open.values():
            where = f", coming from {_listed(one.places)}" if one.places else ""
            message = f"{one.kind} `{one.name}` {one.why}{where}"
            yield Diagnostic("PW462", message, self._span, hint=one.hint)

    def _counterpart(self, left: list[State], state: State, timer: Timer) -> str | None:
        """The old timer that this one continues: of the same name, else the only such delay."""
        delay = _delay(state, timer)
        same = [t.name for s in left for t in s.timers if _delay(s, t) == delay]
        if timer.name in same:
            return timer.name
        return same[0] if len(same) == 1 else None


def _is_same(old: Invoke, new: Invoke) -> bool:
    return (old.id, old.effect, old.child) == (new.id, new.effect, new.child)


def _delay(state: State, timer: Timer) -> str:
    """The delay as written, from a timer's name `after.<delay>.<path>`."""
    return timer.name.removeprefix("after.").removesuffix(f".{state.path}" if state.path else "")


def _refs(values: tuple[Expression, ...]) -> tuple[Ref, ...]:
    return tuple(ref for value in values for ref in value.refs())


def _unbound(old: Machine, new: Machine, written: syntax.Migrate, report: Report) -> bool:
    """Whether delayed events may be pending; each must be one that the new version takes."""
    delayed = tuple(action for state in old.states for action in _delayed(state))
    later = tuple(dict.fromkeys(a.event for a in delayed if isinstance(a, RaiseLater)))
    heard = [t.trigger for s in new.states for t in s.transitions if t.trigger is not None]
    span: Span = written.version.span
    for event in later:
        if not any(events.matches(trigger, event) for trigger in heard):
            message = (
                f"a delayed `{event}` of version {old.version} may be pending; nothing takes it"
            )
            hint = f"let a state of version {new.version} take `{event}`"
            report.append(Diagnostic("PW462", message, span, hint=hint))
    return bool(delayed)


def _delayed(state: State) -> Iterator[RaiseLater | Send]:
    """The delayed events that a state's actions and transitions raise or send."""
    actions = [*state.entry, *state.exit]
    if state.initial is not None:
        actions += state.initial.actions
    for transition in (*state.transitions, *state.always):
        actions += transition.actions
    for action in actions:
        if isinstance(action, RaiseLater) or (
            isinstance(action, Send) and action.delay is not None
        ):
            yield action


# --- history ----------------------------------------------------------------------------------


def _kept_history(old: Machine, new: Machine) -> Iterator[str]:
    """The history states of both versions whose surroundings have the same states."""
    before = {s.path: s for s in old.states if s.kind is Kind.HISTORY}
    for state in new.states:
        known = before.get(state.path) if state.kind is Kind.HISTORY else None
        if known is not None and known.history == state.history:
            inside = (_inside(m.states, s) for m, s in ((old, known), (new, state)))
            if len(set(inside)) == 1:
                yield state.path


def _inside(states: States, history: State) -> tuple[str, ...]:
    parent = states[history.parent or 0]
    return tuple(s.path for s in states[parent.index + 1 : parent.last + 1])
