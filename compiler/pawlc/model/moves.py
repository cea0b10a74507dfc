"""What each configuration of an earlier version becomes: states, timers, invokes.

A timer continues one with the same delay, an invoke one with the same id and effect; where there is
none, or several, a rule must say what to do.

Reported here: PW461, PW462.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pawlc import syntax
from pawlc.diagnostics import Diagnostic
from pawlc.model import configurations as sets
from pawlc.model import labels
from pawlc.model.becoming import Becoming, by_path, combinations
from pawlc.model.expressions import Report
from pawlc.model.machine import Expression, Invoke, Machine, Move, Ref, State, Timer
from pawlc.source import Span

MOST = 1000
"""Configurations of an earlier version; the generated code names each."""
_SHOWN = 5


def moves(
    old: Machine, new: Machine, written: syntax.Migrate, become: Becoming, report: Report
) -> tuple[Move, ...]:
    """What becomes of each configuration in which an instance can be running."""
    beginnings = _Beginnings(old, new, written)
    known = by_path(new.states)
    lost: list[str] = []
    ended: list[str] = []
    found: list[Move] = []
    for configuration in sets.configurations(old.states):
        if sets.is_done(old.states, configuration):
            continue
        before = sets.paths(old.states, configuration)
        for guards, targets in combinations(become, before, known):
            after = None if targets is None else _completed(new, targets, known)
            if after is None:
                lost.append(shown(before, guards))
            elif sets.is_done(new.states, after):
                ended.append(shown(before, guards))
            elif len(found) <= MOST:
                found.append(beginnings.move(configuration, guards, after))
    at = f"from version {old.version}", written.version.span
    _complain(report, at, lost, "no state to go to", "name one under `states`")
    _complain(report, at, ended, "only a final state to go to", "stop them before migrating")
    if len(found) > MOST:
        message = f"version {old.version} has more than {MOST} configurations and choices"
        report.append(Diagnostic("PW461", message, written.version.span, "too many"))
    report += beginnings.complaints()
    return tuple(found)


def _completed(
    new: Machine, targets: tuple[str, ...], known: Mapping[str, int]
) -> frozenset[int] | None:
    if any(path not in known for path in targets):
        return None
    return sets.completed(new.states, (known[path] for path in targets))


def _complain(report: Report, at: tuple[str, Span], found: list[str], what: str, hint: str) -> None:
    if found:
        where, span = at
        message = f"{where}, {listed(found)} has {what}"
        if len(found) > 1:
            message = message.replace(" has ", " have ")
        report.append(Diagnostic("PW461", message, span, hint=hint))


def shown(paths: tuple[str, ...], guards: tuple[Expression, ...] = ()) -> str:
    """A configuration, and on which condition."""
    return f"`{', '.join(paths)}`" + (f" [{labels.conditions(guards)}]" if guards else "")


def listed(found: list[str]) -> str:
    """The first few of them.

    >>> listed(["`a`", "`b`"])
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
        self._open: dict[tuple[str, str, str], _Open] = {}

    def move(
        self, before: frozenset[int], guards: tuple[Expression, ...], after: frozenset[int]
    ) -> Move:
        """One configuration's move."""
        was = sets.paths(self._old.states, before)
        left = [self._old.states[index] for index in sorted(before)]
        entered = [self._new.states[index] for index in sorted(after)]
        kept_timers: list[tuple[str, str]] = []
        timers: list[Timer] = []
        for state in entered:
            for timer in state.timers:
                known = _counterparts(left, state, timer)
                rule = self._rule(self._timers.get(timer.name), "timer", timer.name, known, was)
                if rule == "keep":
                    kept_timers.append((known[0], timer.name))
                elif rule == "begin" and self._can_begin(timer.name, "timer", timer.delay):
                    timers.append(timer)
        kept_invokes: list[str] = []
        invokes: list[Invoke] = []
        for state in entered:
            for invoke in state.invokes:
                same = tuple(i.id for s in left for i in s.invokes if _is_same(i, invoke))
                rule = self._rule(self._invokes.get(invoke.id), "invoke", invoke.id, same, was)
                inputs = tuple(value for _, value in invoke.input)
                if rule == "keep":
                    kept_invokes.append(invoke.id)
                elif rule == "begin" and self._can_start(invoke, inputs):
                    invokes.append(invoke)
        return Move(
            before=was,
            guards=guards,
            after=sets.paths(self._new.states, after),
            kept_timers=tuple(kept_timers),
            kept_invokes=tuple(kept_invokes),
            timers=tuple(timers),
            invokes=tuple(invokes),
        )

    def _rule(
        self,
        rule: str | None,
        kind: str,
        name: str,
        known: tuple[str, ...],
        where: tuple[str, ...],
    ) -> str:
        """`keep`, `begin` or `skip`; an open question is noted.

        Of several that it could continue none is chosen: two would go on as one, and which of them
        somebody waits for only the author knows.
        """
        match rule:
            case "skip":
                return "skip"
            case "restart":
                return "begin"
            case _ if len(known) == 1:
                return "keep"
            case "start":
                return "begin"
            case _:
                why, hint = self._why_open(kind, name, known)
                self._note(kind, name, why, hint).places.append(shown(where))
                return "skip"

    def _why_open(self, kind: str, name: str, known: tuple[str, ...]) -> tuple[str, str]:
        was = f"version {self._old.version}"
        if known:
            several = " or ".join(f"`{one}`" for one in known)
            hint = f"say `{kind}s: {{ {name}: start }}` to begin it anew, or `skip`"
            return f"could continue {several} of {was}", hint
        return f"has no counterpart in {was}", f"say `{kind}s: {{ {name}: start }}`, or `skip`"

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
        return self._open.setdefault((kind, name, why), _Open(name, kind, why, hint, []))

    def complaints(self) -> Iterator[Diagnostic]:
        """What no rule settles, with the configurations concerned."""
        for one in self._open.values():
            where = f", coming from {listed(one.places)}" if one.places else ""
            message = f"{one.kind} `{one.name}` {one.why}{where}"
            yield Diagnostic("PW462", message, self._span, hint=one.hint)


def _counterparts(left: list[State], state: State, timer: Timer) -> tuple[str, ...]:
    """The old timers that this one could continue: that of the same name, else all such delays."""
    delay = _delay(state, timer)
    same = tuple(t.name for s in left for t in s.timers if _delay(s, t) == delay)
    return (timer.name,) if timer.name in same else same


def _is_same(old: Invoke, new: Invoke) -> bool:
    return (old.id, old.effect, old.child) == (new.id, new.effect, new.child)


def _delay(state: State, timer: Timer) -> str:
    """The delay as written, from a timer's name `after.<delay>.<path>`."""
    return timer.name.removeprefix("after.").removesuffix(f".{state.path}" if state.path else "")


def _refs(values: tuple[Expression, ...]) -> tuple[Ref, ...]:
    return tuple(ref for value in values for ref in value.refs())
