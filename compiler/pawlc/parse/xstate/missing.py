"""The names that a machine uses and nobody implements."""

from collections.abc import Iterator
from dataclasses import dataclass

from pawlc import syntax
from pawlc.check import walk
from pawlc.diagnostics import Diagnostic
from pawlc.model import intervals
from pawlc.parse.xstate.companion import file_name
from pawlc.source import Span, Text

_SHOWN = 12
"""Places that the diagnostic points at, besides the first."""


@dataclass(frozen=True, slots=True)
class Missing:
    """What lacks an implementation, by the companion's section, in the order of first use.

    A guard or action comes as it is used, since its params are the parameters that it needs.
    """

    guards: tuple[syntax.NamedRef, ...] = ()
    actions: tuple[syntax.NamedRef, ...] = ()
    delays: tuple[Text, ...] = ()
    effects: tuple[Text, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.guards or self.actions or self.delays or self.effects)

    def by_section(self) -> tuple[tuple[str, tuple[Text, ...]], ...]:
        """The names of each section that lacks any."""
        sections = (
            ("guards", tuple(ref.name for ref in self.guards)),
            ("actions", tuple(ref.name for ref in self.actions)),
            ("delays", self.delays),
            ("effects", self.effects),
        )
        return tuple((section, names) for section, names in sections if names)


def missing(machine: syntax.Machine) -> Missing:
    """Compare what is used with what is there."""
    guards = {named.name.value for named in machine.guards}
    actions = {named.name.value for named in machine.actions}
    delays = {named.name.value for named in machine.delays}
    effects = {effect.name.value for effect in machine.effects}
    return Missing(
        guards=_refs(walk.guards(machine), guards),
        actions=_refs(walk.actions(machine), actions),
        delays=_texts(_delays(machine), delays),
        effects=_texts(_sources(machine), effects),
    )


def complain(machine: syntax.Machine) -> Diagnostic | None:
    """One diagnostic about all that is missing, at the first place that needs it."""
    lacking = missing(machine).by_section()
    if not lacking:
        return None
    names = [name for _, section in lacking for name in section]
    first, *others = sorted(names, key=lambda name: (name.span.start, name.value))
    listed = "; ".join(
        f"{section} {', '.join(f'`{name}`' for name in found)}" for section, found in lacking
    )
    return Diagnostic(
        "PW327",
        f"nothing implements {listed}",
        first.span,
        "the first of them",
        hint=f"`pawl import {machine.file}` writes `{file_name(machine.file)}` to fill in",
        related=tuple(_place(name) for name in others[:_SHOWN]),
    )


def _place(name: Text) -> tuple[Span, str]:
    return name.span, f"`{name}`"


def _refs(
    used: Iterator[syntax.Guard] | Iterator[syntax.Action], known: set[str]
) -> tuple[syntax.NamedRef, ...]:
    found: dict[str, syntax.NamedRef] = {}
    for ref in used:
        if isinstance(ref, syntax.NamedRef) and ref.name.value not in known:
            found.setdefault(ref.name.value, ref)
    return tuple(found.values())


def _texts(used: Iterator[Text], known: set[str]) -> tuple[Text, ...]:
    found: dict[str, Text] = {}
    for name in used:
        if name.value not in known:
            found.setdefault(name.value, name)
    return tuple(found.values())


def _delays(machine: syntax.Machine) -> Iterator[Text]:
    """The delays of `after` and `raise` that are neither milliseconds nor an interval."""
    keys = (after.delay for state in walk.states(machine) for after in state.after)
    raises = (action for action in walk.actions(machine) if isinstance(action, syntax.Raise))
    named = (each.delay for each in raises if each.delay is not None and each.delay.quoted)
    for delay in (*keys, *named):
        written = delay.value.strip()
        if not written.isdigit() and intervals.parse(written) is None:
            yield delay


def _sources(machine: syntax.Machine) -> Iterator[Text]:
    for invoke in walk.invokes(machine):
        if invoke.src is not None:
            yield invoke.src
