"""Draw a machine as text: Mermaid for a README, DOT for Graphviz.

In: a `model.Machine`. Out: `mermaid(machine)` or `dot(machine)`, ending in a newline, the same
bytes for the same machine. Both show states nested as in the chart, the events with their guards on
the arrows, and the effects that a state invokes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pawlc.model.machine import (
    AnyEvent,
    EmitEffect,
    Exactly,
    Kind,
    Machine,
    Prefix,
    State,
    Transition,
    Trigger,
)

LONGEST_GUARD = 60  # characters of a guard on an arrow; the chart has the rest
MERMAID_WORDS = ("as", "class", "classdef", "click", "default", "direction", "end", "note", "state")


@dataclass(frozen=True, slots=True)
class Arrow:
    """One drawn transition: `target` is the source itself for a targetless one."""

    source: int
    target: int
    label: str


def arrows(machine: Machine) -> tuple[Arrow, ...]:
    """Return one arrow per target of each transition, in document order."""
    names = _event_names(machine)
    return tuple(
        Arrow(transition.source, target, _label(transition, names))
        for transition in machine.transitions()
        for target in transition.targets or (transition.source,)
    )


def _event_names(machine: Machine) -> dict[str, str]:
    """Map the events that the compiler made (timers, invokes) to what a person calls them."""
    names: dict[str, str] = {}
    for state in machine.states:
        names[f"done.state.{state.path}"] = "done"
        for timer in state.timers:
            delay = timer.name.removeprefix("after.").removesuffix(f".{state.path}")
            names[timer.name] = f"after {delay}"
        for invoke in state.invokes:
            names[f"done.invoke.{invoke.id}"] = f"{invoke.effect} done"
            names[f"error.invoke.{invoke.id}"] = f"{invoke.effect} failed"
            names[f"snapshot.invoke.{invoke.id}"] = f"{invoke.effect} goes on"
    return names


def _label(transition: Transition, names: dict[str, str]) -> str:
    words = [_trigger(transition.trigger, names)]
    if transition.guard is not None:
        words.append(f"[{_shortened(transition.guard.source.value)}]")
    if transition.source == 0:
        words.append("(from any state)")
    return " ".join(words)


def _trigger(trigger: Trigger | None, names: dict[str, str]) -> str:
    match trigger:
        case None:
            return "always"
        case AnyEvent():
            return "*"
        case Prefix(name):
            return f"{name}.*"
        case Exactly(name):
            return names.get(name, name)


def _shortened(text: str) -> str:
    """Put an expression on one line and cut it.

    >>> _shortened("a  >\\n  b")
    'a > b'
    """
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_GUARD else f"{line[: LONGEST_GUARD - 1]}…"


def _activities(state: State) -> tuple[str, ...]:
    """What a state sets off when it is entered or left, for the lines below its name."""
    return (
        *(f"invoke {invoke.effect}" for invoke in state.invokes),
        *(f"entry / {a.effect}" for a in state.entry if isinstance(a, EmitEffect)),
        *(f"exit / {a.effect}" for a in state.exit if isinstance(a, EmitEffect)),
    )


# --- Mermaid ---------------------------------------------------------------------------------


def mermaid(machine: Machine) -> str:
    """Return a Mermaid `stateDiagram-v2`.

    An arrow between two composite states is declared at their common ancestor: Mermaid wants that.
    """
    ids = _mermaid_ids(machine)
    drawn: dict[int, list[Arrow]] = {}
    for arrow in arrows(machine):
        drawn.setdefault(_declared_in(machine, arrow), []).append(arrow)
    lines = ["stateDiagram-v2", *_mermaid_inside(machine, machine.states[0], ids, drawn, 1)]
    return "\n".join(lines) + "\n"


def _mermaid_ids(machine: Machine) -> tuple[str, ...]:
    """Name every state by a Mermaid identifier: its path, made unique where words clash."""
    ids: dict[str, None] = {}
    for state in machine.states:
        name = re.sub(r"\W", "_", state.path or machine.name, flags=re.ASCII)
        while name in ids or name.lower() in MERMAID_WORDS:
            name = f"{name}_{state.index}"
        ids[name] = None
    return tuple(ids)


def _declared_in(machine: Machine, arrow: Arrow) -> int:
    """Return the innermost state that holds both ends; the root for an arrow at the root itself."""
    parent = machine.states[arrow.source].parent
    while parent is not None:
        if parent < arrow.target <= machine.states[parent].last:
            return parent
        parent = machine.states[parent].parent
    return 0


def _mermaid_inside(
    machine: Machine,
    state: State,
    ids: tuple[str, ...],
    drawn: dict[int, list[Arrow]],
    depth: int,
) -> Iterator[str]:
    """Yield the lines between the braces of a composite state."""
    indent = "  " * depth
    if state.initial is not None and state.kind is not Kind.PARALLEL:
        for target in state.initial.targets:
            yield f"{indent}[*] --> {ids[target]}"
    for position, child in enumerate(state.children):
        if state.kind is Kind.PARALLEL and position > 0:
            yield f"{indent}--"
        yield from _mermaid_state(machine, machine.states[child], ids, drawn, depth)
    for arrow in drawn.get(state.index, ()):
        yield from _mermaid_arrow(machine, arrow, ids, indent)
    for child in state.children:
        if machine.states[child].kind is Kind.FINAL:
            yield f"{indent}{ids[child]} --> [*]"


def _mermaid_state(
    machine: Machine,
    state: State,
    ids: tuple[str, ...],
    drawn: dict[int, list[Arrow]],
    depth: int,
) -> Iterator[str]:
    indent, name = "  " * depth, ids[state.index]
    if state.children:
        yield f'{indent}state "{mermaid_text(state.key)}" as {name} {{'
        yield from _mermaid_inside(machine, state, ids, drawn, depth + 1)
        yield f"{indent}}}"
        return
    title = _history_mark(state) or state.key
    yield f"{indent}{name} : {mermaid_text(title)}"
    for line in _activities(state):
        yield f"{indent}{name} : {mermaid_text(line)}"


def _mermaid_arrow(
    machine: Machine, arrow: Arrow, ids: tuple[str, ...], indent: str
) -> Iterator[str]:
    """Yield the arrow; one from or to the root is drawn at the chart's initial state."""
    source, target = (
        end if machine.states[end].parent is not None else _first_child(machine)
        for end in (arrow.source, arrow.target)
    )
    yield f"{indent}{ids[source]} --> {ids[target]} : {mermaid_text(arrow.label)}"


def _first_child(machine: Machine) -> int:
    """The state that stands for the root in a picture that has no box for it."""
    root = machine.states[0]
    if root.initial is not None and root.initial.targets:
        return root.initial.targets[0]
    return root.children[0] if root.children else 0


def mermaid_text(text: str) -> str:
    """Escape what Mermaid's lexer would take for syntax.

    >>> mermaid_text('a; "b" #1')
    'a#59; #quot;b#quot; #35;1'
    """
    marks = {"#": "#35;", ";": "#59;", '"': "#quot;", "<": "#lt;", ">": "#gt;", ":": "#58;"}
    return "".join(marks.get(letter, letter) for letter in text)


def _history_mark(state: State) -> str | None:
    """UML's letter for a history state: H, or H* for a deep one."""
    if state.kind is not Kind.HISTORY:
        return None
    return "H*" if state.history == "deep" else "H"


# --- DOT -------------------------------------------------------------------------------------

DOT_HEAD = """\
  graph [compound=true, fontname="Helvetica", fontsize=12, rankdir=TB, nodesep=0.4]
  node [fontname="Helvetica", fontsize=11, shape=box, style="rounded,filled", fillcolor=white]
  edge [fontname="Helvetica", fontsize=9, arrowsize=0.7]"""


def dot(machine: Machine) -> str:
    """Return a Graphviz digraph; composite states are clusters."""
    lines = [
        f"digraph {_dot_text(machine.name)} {{",
        DOT_HEAD,
        *_dot_state(machine, machine.states[0], 1),
        *(_dot_arrow(machine, arrow) for arrow in arrows(machine)),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _dot_state(machine: Machine, state: State, depth: int) -> Iterator[str]:
    indent = "  " * depth
    if not state.children:
        yield f"{indent}{_node(state)} [{_dot_shape(state)}]"
        return
    style = "rounded,dashed" if _is_region(machine, state) else "rounded"
    title = f"{machine.name} v{machine.version}" if state.parent is None else state.key
    yield f"{indent}subgraph cluster_{state.index} {{"
    yield f"{indent}  label={_dot_lines((title, *_activities(state)))}; style={_dot_text(style)}"
    yield f"{indent}  {_dot_anchor(state)}"
    for child in state.children:
        yield from _dot_state(machine, machine.states[child], depth + 1)
    yield f"{indent}}}"
    if state.initial is not None and state.kind is not Kind.PARALLEL:
        for target in state.initial.targets:
            yield f"{indent}{_edge(machine, state.index, target, from_anchor=True)}"


def _is_region(machine: Machine, state: State) -> bool:
    return state.parent is not None and machine.states[state.parent].kind is Kind.PARALLEL


def _dot_anchor(state: State) -> str:
    """The point inside a cluster where its edges end; a compound's is its black initial dot."""
    if state.kind is Kind.PARALLEL:
        return f'{_anchor(state)} [shape=point, style=invis, label=""]'
    return f'{_anchor(state)} [shape=circle, width=0.12, fillcolor=black, style=filled, label=""]'


def _dot_shape(state: State) -> str:
    match state.kind:
        case Kind.FINAL:
            return f"label={_dot_lines((state.key,))}, peripheries=2"
        case Kind.HISTORY:
            return f'label={_dot_lines((_history_mark(state) or "H",))}, shape=circle, style=""'
        case Kind.ATOMIC | Kind.COMPOUND | Kind.PARALLEL:
            return f"label={_dot_lines((state.key, *_activities(state)))}"


def _node(state: State) -> str:
    return f"s{state.index}"


def _anchor(state: State) -> str:
    return f"a{state.index}"


def _dot_arrow(machine: Machine, arrow: Arrow) -> str:
    return f"  {_edge(machine, arrow.source, arrow.target, label=arrow.label)}"


def _edge(
    machine: Machine, source: int, target: int, *, label: str = "", from_anchor: bool = False
) -> str:
    """Draw an edge; where an end is a cluster, cut the edge at its border.

    Graphviz can cut at a border only if the other end lies outside that cluster.
    """
    tail, head = machine.states[source], machine.states[target]
    options = [f"label={_dot_lines((label,))}"] if label else []
    if head.children and not target <= source <= head.last:
        options.append(f"lhead=cluster_{target}")
    if tail.children and not from_anchor and not source <= target <= tail.last:
        options.append(f"ltail=cluster_{source}")
    left = _anchor(tail) if tail.children else _node(tail)
    right = _anchor(head) if head.children else _node(head)
    return f"{left} -> {right}" + (f" [{', '.join(options)}]" if options else "")


def _dot_text(text: str) -> str:
    r"""Quote a DOT string.

    >>> _dot_text('say "hi"')
    '"say \\"hi\\""'
    """
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'


def _dot_lines(lines: tuple[str, ...]) -> str:
    r"""Quote a label of several lines.

    >>> _dot_lines(("preparing", "invoke cook"))
    '"preparing\\ninvoke cook"'
    """
    return "".join(("\\n".join(_dot_text(line)[1:-1] for line in lines)).join('""'))
