"""What the state of the whole machine becomes.

`<scxml>` has nothing but states. What else a machine has stands in a state around all of them, but
for the final ones, which must stay at the top to end it; a parallel machine ends in a final state
of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pawlc import syntax
from pawlc.diagnostics import Diagnostic
from pawlc.model import tree
from pawlc.model.machine import OUTSIDE, Kind, State, Transition
from pawlc.model.structure import Structure


@dataclass(frozen=True, slots=True)
class Root:
    """`outer` is the id of the state around the others, None where `<scxml>` suffices.

    `inner` are the states in it, `ends` those beside it. `done` is the id of the final state of a
    parallel machine, and `is_done` its condition.
    """

    states: tuple[State, ...]
    outer: str | None
    inner: tuple[int, ...]
    ends: tuple[int, ...]
    done: str | None = None
    is_done: str = ""
    has_nothing: bool = True

    def exits_alike(self, found: Transition, targets: Sequence[int], internal: bool) -> bool:
        """Whether a transition of SCXML exits the states that this one exits here."""
        domain = tree.scxml_domain(self.states, found.source, targets, internal)
        if self.outer is None or domain != 0:
            return domain == found.domain
        is_end = any(target in self.ends for target in targets)
        is_inside = not is_end and 0 not in targets and (found.source != 0 or internal)
        if is_inside and self.states[0].kind is Kind.COMPOUND:
            return found.domain == 0
        return found.domain == OUTSIDE or is_end or self.has_nothing


def root(structure: Structure, ids: dict[int, str]) -> Root:
    """What becomes of a machine's own state; `ids` are those of the others."""
    states, written = structure.states, structure.written[0]
    top, kinds = states[0], [states[child].kind for child in states[0].children]
    initial = written.initial
    had = (written.entry, written.exit, written.after, written.invoke)
    is_plain = (
        top.kind is Kind.COMPOUND
        and not any(had)
        and not (top.transitions or top.always or Kind.HISTORY in kinds)
        and not (initial is not None and initial.actions)
    )
    if is_plain:
        return Root(states, None, top.children, ())
    taken = set(ids.values())
    ends = tuple(child for child in top.children if states[child].kind is Kind.FINAL)
    regions = [_final_states(structure, child) for child in tree.regions(states, 0)]
    is_done = " and ".join(_any_of([ids[end] for end in region]) for region in regions)
    can_end = top.kind is Kind.PARALLEL and all(regions)
    return Root(
        states,
        _free(written.key.value, taken),
        tuple(child for child in top.children if child not in ends),
        ends,
        _free("done", taken | {written.key.value}) if can_end else None,
        is_done if can_end else "",
        not any(had) and Kind.HISTORY not in kinds,
    )


def otherwise(root: Root, machine: syntax.Machine, structure: Structure) -> Iterator[Diagnostic]:
    """What a state around the others would do otherwise."""
    states, written, at = root.states, structure.written[0], machine.name.span
    exits = [action for each in structure.written for action in each.exit]
    if root.ends and written.exit:
        exits = list(written.exit)
        arcs = [t for state in states for t in (*state.transitions, *state.always)]
        into = [structure.arcs[t.index] for t in arcs if set(t.targets) & set(root.ends)]
        ends = [structure.written[end] for end in root.ends]
        if any(end.entry or end.exit for end in ends) or any(arc.actions for arc in into):
            message = "SCXML leaves the state around all others before it enters the final one"
            hint = "move what the final state does, or the transition into it, to `exit`"
            yield Diagnostic("PW971", message, at, "its `exit` comes too early", hint)
    is_computed = machine.root.output is not None and (root.done or (root.ends and written.exit))
    if is_computed and not all(isinstance(action, syntax.Log) for action in exits):
        message = "SCXML computes the output when all else has been left"
        hint = "let the `exit` actions only log, or compute the output's values before"
        yield Diagnostic("PW971", message, at, "what they do may change it", hint)
    if root.done:
        yield from _asked_before(states, structure)
    begins = states[0].initial
    if root.outer and begins is not None and set(begins.targets) & set(root.ends):
        message = "SCXML has nothing to enter before a final state that begins"
        yield Diagnostic("PW971", message, at, "it ends at once", "let it begin in another state")


def _asked_before(states: tuple[State, ...], structure: Structure) -> Iterator[Diagnostic]:
    """What is still asked in SCXML before the machine is done."""
    for region in tree.regions(states, 0):
        for found in states[region].always:
            message = f"SCXML asks this before it ends, where `{states[region].path}` is done"
            hint = "let a state inside say it, which is left when the region is done"
            span = structure.arcs[found.index].span
            yield Diagnostic("PW971", message, span, "not asked here", hint)
        if states[region].kind is Kind.PARALLEL:
            message = f"SCXML does not tell that `{states[region].path}` is done when its region is"
            hint = "put a state around the region that is parallel itself, with a final one"
            span = structure.written[region].key.span
            yield Diagnostic("PW971", message, span, "may not end there", hint)


def _final_states(structure: Structure, region: int) -> tuple[int, ...]:
    """The final states of a region; those of a parallel one count all the way down."""
    states = structure.states
    if states[region].kind is Kind.PARALLEL:
        inner = [_final_states(structure, child) for child in tree.regions(states, region)]
        return sum(inner, ()) if all(inner) else ()
    return tuple(c for c in states[region].children if states[c].kind is Kind.FINAL)


def _any_of(ids: Sequence[str]) -> str:
    asked = " or ".join(f"In('{id}')" for id in ids)
    return f"({asked})" if len(ids) > 1 else asked


def _free(name: str, taken: set[str]) -> str:
    """A name that no state has."""
    while name in taken:
        name += "_"
    return name
