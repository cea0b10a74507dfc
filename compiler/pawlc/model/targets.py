"""Names of states -> their indices: `sibling.child`, `.child`, `#id`, `#id.child` (XState v5).

A dot inside a key is written `\\.`. Reported here: PW201, two states with one id.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pawlc.diagnostics import Diagnostic
from pawlc.model.machine import State
from pawlc.source import Span, Text
from pawlc.suggest import closest, did_you_mean


@dataclass(frozen=True, slots=True)
class Directory:
    """Where to look a target up: the states and their ids (default `machine.path`)."""

    states: Sequence[State]
    ids: Mapping[str, int]


def split_path(path: str) -> tuple[str, ...]:
    r"""
    >>> split_path(r"kitchen.a\.b")
    ('kitchen', 'a.b')
    """
    return tuple(part.replace(r"\.", ".") for part in re.split(r"(?<!\\)\.", path))


def join_path(parent: str, key: str) -> str:
    r"""
    >>> join_path("kitchen", "a.b")
    'kitchen.a\\.b'
    """
    escaped = key.replace(".", r"\.")
    return f"{parent}.{escaped}" if parent else escaped


def directory(
    states: Sequence[State], machine_id: str, ids: Sequence[Text | None]
) -> tuple[Directory, tuple[Diagnostic, ...]]:
    """Index the states by id; `ids` holds what the user wrote for each state."""
    found: dict[str, int] = {}
    problems: list[Diagnostic] = []
    for state, written in zip(states, ids, strict=True):
        name = written.value if written else _default_id(machine_id, state)
        if name in found:
            first = found[name]
            span = written.span if written else state.span
            problems.append(_same_id(name, span, _id_span(states[first], ids[first])))
        found.setdefault(name, state.index)
    return Directory(states, found), tuple(problems)


def find(directory: Directory, source: int, target: str) -> int | None:
    """The state that a transition of `source` means by `target`; None if there is none.

    From the root, a plain name means a child, as `.name` does.
    """
    if target.startswith("#"):
        return _by_id(directory, target[1:])
    parent = directory.states[source].parent
    if target.startswith("."):
        return _descend(directory, source, split_path(target[1:]))
    return _descend(directory, source if parent is None else parent, split_path(target))


def suggestion(directory: Directory, source: int, target: str) -> str | None:
    """A hint naming a target that resolves from `source` and resembles what was written."""
    states = directory.states
    last = split_path(target.lstrip("#."))[-1]
    for state in states[1:]:
        if state.key == last:
            return f"did you mean `{spelling(directory, source, state.index)}`?"
    names = [spelling(directory, source, s.index) for s in states[1:]]
    if hint := did_you_mean(target, names):
        return hint
    keys = {s.key: s.index for s in reversed(states[1:])}
    near = closest(last, keys)
    return f"did you mean `{spelling(directory, source, keys[near])}`?" if near else None


def spelling(directory: Directory, source: int, index: int) -> str:
    """The shortest target that means `index` on a transition of `source`."""
    states = directory.states
    base = states[source].parent if source else 0
    assert base is not None
    if base < index <= states[base].last:
        return _below(states, base, index)
    if source < index <= states[source].last:
        return "." + _below(states, source, index)
    name = next(name for name, of in directory.ids.items() if of == index)
    return f"#{name}"


def _below(states: Sequence[State], base: int, index: int) -> str:
    prefix = states[base].path
    return states[index].path[len(prefix) + 1 if prefix else 0 :]


def _by_id(directory: Directory, name: str) -> int | None:
    """An id may hold dots, so the longest prefix that is one counts."""
    if (found := _with_id(directory, name)) is not None:
        return found
    parts = re.split(r"(?<!\\)\.", name)
    for cut in range(len(parts) - 1, 0, -1):
        start = _with_id(directory, ".".join(parts[:cut]))
        if start is not None:
            return _descend(directory, start, split_path(".".join(parts[cut:])))
    return None


def _with_id(directory: Directory, name: str) -> int | None:
    """The state of an id; its dots may be escaped, as XState wants them in a target."""
    found = directory.ids.get(name)
    return directory.ids.get(name.replace(r"\.", ".")) if found is None else found


def _descend(directory: Directory, start: int, keys: tuple[str, ...]) -> int | None:
    current = start
    for key in keys:
        children = directory.states[current].children
        child = next((c for c in children if directory.states[c].key == key), None)
        if child is None:
            return None
        current = child
    return current


def _default_id(machine_id: str, state: State) -> str:
    return f"{machine_id}.{state.path}" if state.path else machine_id


def _id_span(state: State, written: Text | None) -> Span:
    return written.span if written else state.span


def _same_id(name: str, span: Span, first: Span) -> Diagnostic:
    return Diagnostic(
        "PW201",
        f"two states have the id `{name}`",
        span,
        "this id is taken",
        hint="give one of them another `id`",
        related=((first, "the first one is here"),),
    )
