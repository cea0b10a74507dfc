"""Draw a migration as text: what becomes of each configuration, as a Mermaid flowchart.

In: a machine and one of its migrations. Out: `mermaid(machine, migration)`, ending in a newline:
the configurations of both versions, an arrow for each move, and on it the condition and what
begins.
"""

from collections.abc import Iterable, Iterator

from pawlc.diagram import mermaid_text
from pawlc.model import labels
from pawlc.model.machine import Machine, Migration, Move


def mermaid(machine: Machine, migration: Migration) -> str:
    """Return a Mermaid `flowchart`, the earlier version on the left."""
    before = _nodes("b", (move.before for move in migration.moves))
    after = _nodes("a", (move.after for move in migration.moves))
    lines = [
        "flowchart LR",
        *_version("before", f"{machine.name} {migration.version}", before),
        *_version("after", f"{machine.name} {machine.version}", after),
        *(
            f"  {before[move.before]} {_arrow(move)} {after[move.after]}"
            for move in migration.moves
        ),
    ]
    return "\n".join(lines) + "\n"


def _nodes(letter: str, found: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """A short name for each configuration, in their order.

    >>> _nodes("a", [("x",), ("y",), ("x",)])
    {('x',): 'a1', ('y',): 'a2'}
    """
    return {one: f"{letter}{number}" for number, one in enumerate(dict.fromkeys(found), 1)}


def _version(name: str, title: str, nodes: dict[tuple[str, ...], str]) -> Iterator[str]:
    yield f'  subgraph {name}["{mermaid_text(title)}"]'
    for paths, node in nodes.items():
        yield f'    {node}["{mermaid_text(", ".join(paths))}"]'
    yield "  end"


def _arrow(move: Move) -> str:
    begins = (*(timer.name for timer in move.timers), *(invoke.id for invoke in move.invokes))
    words = [f"[{labels.conditions(move.guards)}]"] if move.guards else []
    words += [f"begins {', '.join(begins)}"] if begins else []
    return f'-- "{mermaid_text(" ".join(words))}" -->' if words else "-->"
